// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Paths as bytes, because a name need not be UTF-8. Linux forbids only "/" and NUL in a name.
import { isUtf8 } from "node:buffer";

/** A path: text if it is UTF-8, else bytes. */
export type Path = string | Buffer;

export function joined(first: Path, second: Path): Path {
  if (typeof first === "string" && typeof second === "string") return first + second;
  return Buffer.concat([Buffer.from(first), Buffer.from(second)]);
}

/**
 * Returns the path as text, escaped like the output: a byte that is not UTF-8 as \xNN, and a backslash twice.
 */
export function shownPath(path: Path): string {
  if (typeof path === "string") return path.replaceAll("\\", "\\\\");
  let shown = "";
  for (let at = 0; at < path.length; ) {
    const length = [1, 2, 3, 4].find((count) => isUtf8(path.subarray(at, at + count)));
    const character = path.subarray(at, at + (length ?? 1));
    shown += length === undefined ? `\\x${character.toString("hex")}` : shownPath(character.toString());
    at += character.length;
  }
  return shown;
}
