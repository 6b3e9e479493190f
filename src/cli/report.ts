// Reports a failed run on stderr: one line with the reason that scripts read, one line with the hint.
import { NoJitError } from "../core/errors.ts";
import { EXIT_FAILED, MineError, unsupported } from "../errors.ts";
import { log } from "../log.ts";

/** @returns the exit code. */
export function report(error: unknown): number {
  if (error instanceof NoJitError) return report(unsupported("no-jit", error.message, error));
  if (error instanceof MineError) {
    log.error(`error[${error.reason}]: ${error.message}`);
    log.info(`      ${error.hint}`);
    return error.exitCode;
  }
  // Whatever a user can cause is a MineError: this is a bug, and its stack is what helps to mend it.
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  for (const line of stack.split("\n")) log.error(line);
  return EXIT_FAILED;
}
