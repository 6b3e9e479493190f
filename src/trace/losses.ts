// What was not seen, by cause. Counted where it happens, told while it happens and at the end.

import type { EventBuffer } from "../core/event-buffer.ts";
import type { Counters } from "../events/counters.ts";

export interface Losses {
  total: number;
  /** "3 (event buffer full: 2, ...)" or "0" */
  text: string;
  /** Not lost: the kernel side limits what callers without CAP_NET_ADMIN take of the event buffer. */
  denied: number;
  /** ", 123 denied not shown" or "" */
  deniedText: string;
}

export interface LossSource {
  counters: Pick<Counters, "read">;
  buffer: Pick<EventBuffer, "lost">;
  /** How often the kernel passed by a program that should have run. */
  misses: () => number;
}

/** What arrived, but was no event, or found nobody who reads stdout. */
export interface LostHere {
  unreadable: number;
  unwritten: number;
}

/** @param received how many records arrived, when no more can: what did not is then known without being told. */
export function readLosses(
  { counters, buffer, misses }: LossSource,
  { unreadable, unwritten }: LostHere,
  received?: number,
): Losses {
  const { submitted, lostBuffer, lostCall, lostEntry, entered, returned, lostMessage, lostRest, denied } =
    counters.read();
  const causes: [string, number][] = [
    // Until then either may tell of the same.
    ["event buffer full", received === undefined ? Math.max(lostBuffer, buffer.lost) : submitted - received],
    ["probe missed", misses()],
    ["too many commands at once", lostCall],
    ["entry not seen", lostEntry],
    // Until then a command may be under way.
    ["return not seen", received === undefined ? 0 : Math.max(entered - returned, 0)],
    ["message not found or not readable", lostMessage + unreadable],
    ["message of a request that has too many", lostRest],
    ["not written to stdout", unwritten],
  ];
  const total = causes.reduce((sum, [, count]) => sum + count, 0);
  const parts = causes.filter(([, count]) => count > 0).map(([cause, count]) => `${cause}: ${count}`);
  return {
    total,
    text: parts.length > 0 ? `${total} (${parts.join(", ")})` : "0",
    denied,
    deniedText: denied > 0 ? `, ${denied} denied not shown` : "",
  };
}
