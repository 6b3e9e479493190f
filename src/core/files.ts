// Files of /proc and /sys.
import { readFileSync } from "node:fs";

/** Returns the text of the file; undefined if it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
