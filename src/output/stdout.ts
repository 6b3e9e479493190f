// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Opens stdout for lines.
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { isTerminal } from "bun-libbpf/ffi";
import { LineWriter, type Target } from "./line-writer.ts";

const STDOUT = 1;
const NEWLINE = 0x0a;
const WAIT_MS = 100;

/** Returns a writer of lines to stdout. */
export const stdout = (): LineWriter => new LineWriter("stdout", openStdout());

/** stdout is a terminal. */
export const isStdoutTerminal = (): boolean => isTerminal(STDOUT);

/** Writes a whole text, and waits for its reader without a limit. */
export function print(text: string): void {
  const writer = stdout();
  writer.line.utf8(text);
  writer.endLine();
  while (!writer.flush()) writer.wait(WAIT_MS);
}

/**
 * Opens a pipe or a terminal again with O_NONBLOCK. The flag belongs to the open file, and other processes share
 * stdout and do not expect it. A socket cannot be opened again, and a file does not block.
 */
function openStdout(): Target {
  try {
    const kind = fstatSync(STDOUT);
    if (kind.isFile()) {
      if (isAppended()) endHalfLine(STDOUT, kind.size);
      return { fd: STDOUT, mayBlock: false, size: kind.size };
    }
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return { fd: openSync(`/proc/self/fd/${STDOUT}`, flags), mayBlock: false, size: undefined };
  } catch {
    // /proc is missing, access is denied, or stdout is closed. The first write reports a closed stdout.
    return { fd: STDOUT, mayBlock: true, size: undefined };
  }
}

/** Ends a line that an earlier process left half written in a file. @param fd appends. @param size bytes of the file. */
export function endHalfLine(fd: number, size: number): void {
  if (size === 0) return;
  const last = new Uint8Array(1);
  try {
    const file = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY);
    try {
      readSync(file, last, 0, 1, size - 1);
    } finally {
      closeSync(file);
    }
    if (last[0] !== NEWLINE) writeSync(fd, "\n");
  } catch {
    // The file may not be readable, and the first write of a line reports a full disk.
  }
}

function isAppended(): boolean {
  try {
    const [, flags = "0"] =
      /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${STDOUT}`, "utf8")) ?? [];
    return (Number.parseInt(flags, 8) & constants.O_APPEND) !== 0;
  } catch {
    return false; // /proc is missing
  }
}
