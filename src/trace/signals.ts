// What may be told to mine by signals: to end, and to say how it stands.
// The trap: nohup starts a program with SIGHUP ignored, and a handler would end that. Only /proc tells: it is the
// same before and after the program has started itself once more (engine.ts), which keeps what is ignored.

import { readText } from "../core/files.ts";
import { statusField } from "../host/privileges.ts";

/** SIGXCPU is the limit on processor time, a second or more before the kernel kills. */
const ending = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2", "SIGALRM", "SIGXCPU"] as const;
const SIGHUP = 1;

export interface Signals {
  /** How many came that end it. */
  stops: number;
  /** How many came that ask for the counters, and are not answered. */
  questions: number;
}

/** Signals are delivered by the event loop, and counted then. */
export function countSignals(): Signals {
  const signals = { stops: 0, questions: 0 };
  const isWanted = (signal: (typeof ending)[number]) => signal !== "SIGHUP" || !isIgnored(SIGHUP);
  for (const signal of ending.filter(isWanted)) {
    process.on(signal, () => {
      signals.stops += 1;
    });
  }
  process.on("SIGUSR1", () => {
    signals.questions += 1;
  });
  return signals;
}

function isIgnored(signal: number): boolean {
  const ignored = statusField(readText("/proc/self/status") ?? "", "SigIgn") ?? "0";
  return ((BigInt(`0x${ignored}`) >> BigInt(signal - 1)) & 1n) === 1n;
}
