// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs calls that the kernel may refuse, and explains the failures to the user.
import { CallError } from "bun-libbpf/errors";
import { type Circumstances, explain } from "../errors.ts";
import { lockdownMode } from "./sysfs.ts";

/** Runs a function. @param tried its purpose, for the message. @throws MineError instead of CallError. */
export function attempt<Result>(tried: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw explained(tried, error);
  }
}

/** Returns a CallError as a MineError with a hint. Any other value stays unchanged. */
export function explained(
  tried: string,
  error: unknown,
  known: Omit<Circumstances, "lockdown"> = {},
): unknown {
  if (!(error instanceof CallError)) return error;
  return explain(tried, error, { lockdown: lockdownMode() ?? "none", ...known });
}
