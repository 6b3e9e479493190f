// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Shares the processor with the audited programs. On a machine with one CPU, or with all CPUs busy, a fast
// sender gets half of the CPU time. It then fills the buffer, and mine loses its commands.
// nice divides CPU time only within one cgroup or autogroup (one per session). Between two of them, a larger
// buffer helps.
import { getPriority, setPriority } from "node:os";
import { log } from "../log.ts";

/**
 * Nine tenths of a CPU against a process of nice 0. To read a command costs several times as much as to send
 * it.
 */
const NICE = -10;
const SELF = 0;

/** Raises the priority of mine, unless it was started with another nice value than 0. */
export function comeBeforeOthers(): void {
  if (getPriority(SELF) !== 0) return;
  try {
    setPriority(SELF, NICE);
    log.decision(`priority raised to nice ${NICE}`);
  } catch (error) {
    log.decision(`priority unchanged: ${String(error)}`);
  }
}
