// Puts the kernel's answer into words. A handler returns 0, -errno or -IPSET_ERR_*. The sentences are those
// of ipset(8), so that users find them in its documentation and in bug reports.
import { describeError, type KernelError } from "./kernel-errors.ts";
import type { Command } from "./message.ts";

export interface Outcome {
  succeeded: boolean;
  /** Neither success nor failure. */
  isUnknown?: true;
  /** Cause of a failure, or result of a test; absent for a plain success. */
  sentence?: string;
  /** Error of the kernel, for a failure. */
  error?: Pick<KernelError, "name" | "number">;
}

const EINTR = 4;

/** Outcome of a command whose answer mine did not see. */
export const unknownOutcome: Outcome = {
  succeeded: false,
  isUnknown: true,
  sentence: "the kernel's answer was not seen",
};

/**
 * Returns the outcome of a command.
 * @param result return value of the handler: 0 or negative.
 * @param setType a type such as `hash:ip`, if it is known. The meaning of some numbers depends on it.
 */
export function readOutcome(command: Command | undefined, result: number, setType?: string): Outcome {
  if (result === 0) return command === "TEST" ? { succeeded: true, sentence: "in set" } : { succeeded: true };
  const { sentence, ...error } = describeError(command, -result, setType);
  switch (command) {
    case "LIST":
    case "SAVE":
      // netlink_dump_start() returns -EINTR after it has started the dump. This is success.
      if (result === -EINTR) return { succeeded: true };
      break;
    case "TEST":
      if (error.name === "IPSET_ERR_EXIST") return { succeeded: true, sentence: "not in set" };
      break;
    case "ADD":
    case "DEL":
      // call_ad() has already sent the error with the failed line. It returns -EINTR so that netlink sends no
      // second reply.
      if (result === -EINTR) {
        return {
          succeeded: false,
          sentence: "A line of the batch failed",
          error,
        };
      }
      break;
  }
  return { succeeded: false, sentence, error };
}
