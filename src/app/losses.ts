// What was not seen, by cause. Counted where it happens, told while it happens and at the end.
import type { Counts } from "../bpf/counters.ts";

export interface Losses {
  total: number;
  /** "3 (event buffer full: 2, ...)" or "0" */
  text: string;
}

/** What the kernel side's counters do not tell. */
export interface LostElsewhere {
  /** What found no room in the event buffer. */
  inBuffer: number;
  /** Programs that the kernel did not run. */
  missed: number;
  /** What arrived, but was no event. */
  unreadable: number;
  /** What found nobody who reads stdout. */
  unwritten: number;
}

export function sumLosses(
  counts: Counts,
  { inBuffer, missed, unreadable, unwritten }: LostElsewhere,
): Losses {
  const causes: [string, number][] = [
    ["event buffer full", inBuffer],
    ["probe missed", missed],
    ["too many commands at once", counts.lostCall],
    ["entry not seen", counts.lostEntry],
    ["message not found or not readable", counts.lostMessage + unreadable],
    ["call with too many messages", counts.lostRest],
    ["stdout was not read", unwritten],
  ];
  const total = causes.reduce((sum, [, count]) => sum + count, 0);
  const parts = causes.filter(([, count]) => count > 0).map(([cause, count]) => `${cause}: ${count}`);
  return { total, text: parts.length > 0 ? `${total} (${parts.join(", ")})` : "0" };
}
