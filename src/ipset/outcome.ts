// What the kernel answered, in words. A handler returns 0, -errno or -IPSET_ERR_*; the sentences are those
// that ipset(8) prints, so that a line here can be found in its manual and in people's bug reports.
import { describeError, type KernelError } from "./kernel-errors.ts";
import type { Command } from "./message.ts";

export interface Outcome {
  succeeded: boolean;
  /** Neither success nor failure. */
  isUnknown?: true;
  /** Why not, or what a test found; absent for a plain success. */
  sentence?: string;
  /** What the kernel answered, if it is a failure. */
  error?: Pick<KernelError, "name" | "number">;
}

const EINTR = 4;

/** Of a command whose answer was not seen. */
export const unknownOutcome: Outcome = {
  succeeded: false,
  isUnknown: true,
  sentence: "the kernel's answer was not seen",
};

/**
 * @param result what the handler returned: 0 or negative.
 * @param setType the type of the set, such as `hash:ip`, where it is known: some numbers mean something else
 *   to each type.
 */
export function readOutcome(command: Command | undefined, result: number, setType?: string): Outcome {
  if (result === 0) return command === "TEST" ? { succeeded: true, sentence: "in set" } : { succeeded: true };
  const { sentence, ...error } = describeError(command, -result, setType);
  switch (command) {
    case "LIST":
    case "SAVE":
      // netlink_dump_start() answers so when the dump is under way: the normal good end.
      if (result === -EINTR) return { succeeded: true };
      break;
    case "TEST":
      if (error.name === "IPSET_ERR_EXIST") return { succeeded: true, sentence: "not in set" };
      break;
    case "ADD":
    case "DEL":
      // call_ad() has already sent the error and the number of the line at fault, and returns this so that
      // netlink does not send another.
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
