// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reports a failed run on stderr: one line with the reason, which scripts read, and one line with the hint.
import { NoJitError } from "bun-libbpf/errors";
import { EXIT_FAILED, MineError, unsupported } from "../errors.ts";
import { log } from "../log.ts";

/** Prints the error. @returns the exit code. */
export function report(error: unknown): number {
  if (error instanceof NoJitError) return report(unsupported("no-jit", error.message, error));
  if (error instanceof MineError) {
    log.error(`error[${error.reason}]: ${error.message}`);
    log.info(`      ${error.hint}`);
    return error.exitCode;
  }
  // Every error that a user can cause is a MineError. This is a bug, and its stack helps to fix it.
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  for (const line of stack.split("\n")) log.error(line);
  return EXIT_FAILED;
}
