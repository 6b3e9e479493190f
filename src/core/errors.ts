// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Errors of the C library, of libbpf and of the kernel.
import { errnoName, errnoSentence } from "./errno.ts";

/** The failure of a C function. */
export class CallError extends Error {
  override name = "CallError";
  /** Name of the function with its main argument: `bpf_map__fd(events)`. */
  readonly call: string;
  /** Positive errno, or an error code of libbpf from 4000 on. */
  readonly errno: number;
  /** Name of the errno: `EPERM`. */
  readonly code: string;
  /** Warnings that libbpf logged during the call, one line each. */
  readonly log: readonly string[];

  constructor(call: string, errno: number, log: readonly string[] = []) {
    const refusal = verifierRefusal(log);
    const detail = refusal ? `; the verifier refused ${refusal.program}: ${refusal.complaint}` : "";
    super(`${call}: ${errnoSentence(errno)} (${errnoName(errno)})${detail}`);
    this.call = call;
    this.errno = errno;
    this.code = errnoName(errno);
    this.log = log;
    // The log of the verifier can have a thousand lines, which would hide the message.
    Object.defineProperty(this, "log", { enumerable: false });
  }
}

/** A program that the kernel's verifier rejected. */
export interface Refusal {
  /** Name of the program. */
  program: string;
  /** Last complaint in the verifier's log, one line. */
  complaint: string;
}

/**
 * The failure of the runtime to compile calls of C: JavaScriptCore's JIT is off, or it got no executable
 * memory.
 */
export class NoJitError extends Error {
  override name = "NoJitError";
}

/** Lines at the end of the verifier's log that are not a complaint. */
const statistics = /^(processed \d+ insns|verification time|stack depth|\s*$)/;

/**
 * Finds the verifier's complaint in libbpf's warnings.
 * @returns undefined if the verifier rejected no program.
 */
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

/** Returns the positive errno of an error of node:fs; undefined for any other value. */
export function errnoOf(error: unknown): number | undefined {
  return error instanceof Error && "errno" in error && typeof error.errno === "number"
    ? Math.abs(error.errno)
    : undefined;
}
