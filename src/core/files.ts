// Files of /proc and /sys.
import { readFileSync } from "node:fs";

/** Returns the file's text; undefined where it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
