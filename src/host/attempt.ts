// A call that the kernel may refuse, and the whole answer when it does.
import { CallError } from "../core/errors.ts";
import { type Circumstances, explain } from "../errors.ts";
import { lockdownMode } from "./sysfs.ts";

/** Runs what may be refused, and says what it was for when it is. @throws MineError instead of CallError. */
export function attempt<Result>(tried: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw explained(tried, error);
  }
}

/** A call that failed becomes a whole answer; anything else stays what it is. */
export function explained(
  tried: string,
  error: unknown,
  known: Omit<Circumstances, "lockdown"> = {},
): unknown {
  if (!(error instanceof CallError)) return error;
  return explain(tried, error, { lockdown: lockdownMode() ?? "none", ...known });
}
