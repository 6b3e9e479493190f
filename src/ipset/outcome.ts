// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Puts the kernel's answer into words. A handler returns 0, -errno or -IPSET_ERR_*. The sentences are those
// of ipset(8), so that users find them in its documentation and in bug reports.
import { describeError, type KernelError } from "./kernel-errors.ts";
import type { Command } from "./message.ts";

export type Outcome =
  /** `inSet`: result of a test, absent for other commands. */
  | { status: "success"; inSet?: boolean }
  /** `sentence`: the words of ipset(8) for the error. */
  | { status: "failure"; sentence: string; error: Pick<KernelError, "name" | "number"> }
  /** mine did not see the answer. */
  | { status: "unknown" };

/** Returns the words for an outcome; undefined for a success that is no test. */
export function sentenceOf(outcome: Outcome): string | undefined {
  switch (outcome.status) {
    case "success":
      return outcome.inSet === undefined ? undefined : outcome.inSet ? "in set" : "not in set";
    case "failure":
      return outcome.sentence;
    case "unknown":
      return "the kernel's answer was not seen";
  }
}

const EINTR = 4;

/**
 * Returns the outcome of a command.
 * @param result return value of the handler: 0 or negative.
 * @param setType a type such as `hash:ip`, if it is known. The meaning of some numbers depends on it.
 */
export function readOutcome(command: Command | undefined, result: number, setType?: string): Outcome {
  if (result === 0) return command === "TEST" ? { status: "success", inSet: true } : { status: "success" };
  const { sentence, ...error } = describeError(command, -result, setType);
  switch (command) {
    case "LIST":
    case "SAVE":
      // netlink_dump_start() returns -EINTR after it has started the dump. This is success.
      if (result === -EINTR) return { status: "success" };
      break;
    case "TEST":
      if (error.name === "IPSET_ERR_EXIST") return { status: "success", inSet: false };
      break;
    case "ADD":
    case "DEL":
      // call_ad() has already sent the error with the failed line. It returns -EINTR so that netlink sends no
      // second reply.
      if (result === -EINTR) {
        return { status: "failure", sentence: "A line of the batch failed", error };
      }
      break;
  }
  return { status: "failure", sentence, error };
}
