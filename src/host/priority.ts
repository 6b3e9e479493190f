// The processor, shared with those who are audited. On a machine with a single one, or with all of them at work,
// whoever sends commands as fast as possible would get half of it, fill the buffer, and not be seen any more.
// The trap: nice divides a processor within a cgroup (or autogroup, one per session) only. Between two of them it is
// divided before, and what helps there is a larger buffer.
import { getPriority, setPriority } from "node:os";
import { log } from "../log.ts";

/** Nine tenths against a process of nice 0: what reading a command costs is several times what sending it does. */
const NICE = -10;
const SELF = 0;

/** Comes before others when there is something to read; whoever was started with another nice value keeps it. */
export function comeBeforeOthers(): void {
  if (getPriority(SELF) !== 0) return;
  try {
    setPriority(SELF, NICE);
    log.decision(`priority raised to nice ${NICE}`);
  } catch (error) {
    log.decision(`priority unchanged: ${String(error)}`);
  }
}
