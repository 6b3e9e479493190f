// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Counts lost events by cause, for warnings during a run and for its summary.

import type { EventBuffer } from "bun-libbpf";
import type { Counters } from "../events/counters.ts";
import type { Losses } from "../output/run-record.ts";

export interface LossSource {
  counters: Pick<Counters, "read">;
  buffer: Pick<EventBuffer, "lost">;
  /** Returns how often the kernel skipped a program. */
  misses: () => number;
}

/** Losses in user space: unreadable records, and events that stdout did not take. */
export interface LostHere {
  unreadable: number;
  unwritten: number;
}

/**
 * Returns the losses so far.
 * @param received the number of records after the last one; undefined while more can arrive. The missing ones are lost.
 */
export function readLosses(
  { counters, buffer, misses }: LossSource,
  { unreadable, unwritten }: LostHere,
  received?: number,
): Losses {
  const { submitted, lostBuffer, lostCall, lostEntry, entered, returned, lostMessage, lostRest, denied } =
    counters.read();
  const causes: [string, number][] = [
    // Both counters can count the same loss, so the larger one is shown.
    ["event buffer full", received === undefined ? Math.max(lostBuffer, buffer.lost) : submitted - received],
    ["probe missed", misses()],
    ["too many commands at once", lostCall],
    ["entry not seen", lostEntry],
    // While events arrive, a command without a return may still be running.
    ["return not seen", received === undefined ? 0 : Math.max(entered - returned, 0)],
    ["message not found or not readable", lostMessage + unreadable],
    ["too many messages in one request", lostRest],
    ["not written", unwritten],
  ];
  return { lost: causes.reduce((sum, [, count]) => sum + count, 0), causes, denied };
}
