// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Counts signals that end a run or ask for its counters.
// nohup starts a program with SIGHUP ignored, and a handler would undo that. /proc has the ignored signals. They stay
// the same when engine.ts executes the program again.

import { statusField } from "../host/privileges.ts";
import { readText } from "../host/sysfs.ts";

/** Signals that end a run. SIGXCPU reports the limit of CPU time, a second or more before the kernel kills. */
const ending = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2", "SIGALRM", "SIGXCPU"] as const;
const SIGHUP = 1;

export interface Signals {
  /** Signals that end the run. */
  stops: number;
  /** Requests for the counters that are not answered yet. */
  questions: number;
  /** Requests to open the files of the outputs again. */
  reloads: number;
}

/**
 * Installs handlers. The event loop delivers signals, and the counts grow then.
 * @param isService a service manager runs mine. It has no terminal, and SIGHUP asks for a reload.
 */
export function countSignals(isService: boolean): Signals {
  const signals = { stops: 0, questions: 0, reloads: 0 };
  const isWanted = (signal: (typeof ending)[number]) =>
    signal !== "SIGHUP" || !(isService || isIgnored(SIGHUP));
  for (const signal of ending.filter(isWanted)) {
    process.on(signal, () => {
      signals.stops += 1;
    });
  }
  process.on("SIGUSR1", () => {
    signals.questions += 1;
  });
  if (isService) {
    process.on("SIGHUP", () => {
      signals.reloads += 1;
    });
  }
  return signals;
}

function isIgnored(signal: number): boolean {
  const ignored = statusField(readText("/proc/self/status") ?? "", "SigIgn") ?? "0";
  return ((BigInt(`0x${ignored}`) >> BigInt(signal - 1)) & 1n) === 1n;
}
