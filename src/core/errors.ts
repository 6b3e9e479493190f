// Errors of the C library, of libbpf and of the kernel behind them.
import { errnoName, errnoSentence } from "./errno.ts";

/** A C function failed. */
export class CallError extends Error {
  override name = "CallError";
  /** The function, with its most telling argument: `bpf_map__fd(events)`. */
  readonly call: string;
  /** Positive errno, or a code of libbpf's own from 4000 on. */
  readonly errno: number;
  /** Name of the errno: `EPERM`. */
  readonly code: string;
  /** Warnings that libbpf logged during the call, a line each. */
  readonly log: readonly string[];

  constructor(call: string, errno: number, log: readonly string[] = []) {
    super(`${call}: ${errnoSentence(errno)} (${errnoName(errno)})`);
    this.call = call;
    this.errno = errno;
    this.code = errnoName(errno);
    this.log = log;
  }
}

/** The kernel did not load a program. */
export interface Refusal {
  /** Name of the program. */
  program: string;
  /** Last line of the verifier's log that is a complaint. */
  complaint: string;
}

/** The runtime cannot compile the calls of C: JavaScriptCore's JIT is off, or has no memory that it may execute. */
export class NoJitError extends Error {
  override name = "NoJitError";
}

/** The verifier ends its log with these. */
const statistics = /^(processed \d+ insns|verification time|stack depth|\s*$)/;

/** Finds the verifier's complaint in libbpf's warnings. Returns undefined where the verifier has refused nothing. */
export function verifierRefusal(log: readonly string[]): Refusal | undefined {
  const end = log.lastIndexOf("-- END PROG LOAD LOG --");
  const complaint = log.slice(0, Math.max(end, 0)).findLast((line) => !statistics.test(line));
  const program = log
    .slice(end + 1)
    .map((line) => /^prog '(\w+)':/.exec(line)?.[1])
    .find(Boolean);
  return complaint === undefined || program === undefined
    ? undefined
    : { program, complaint: complaint.trim() };
}

/** Returns the errno of an error of node:fs, undefined for any other value. */
export function errnoOf(error: unknown): number | undefined {
  return error instanceof Error && "errno" in error && typeof error.errno === "number"
    ? Math.abs(error.errno)
    : undefined;
}
