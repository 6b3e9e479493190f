// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Opens and rotates a file that mine writes lines to.
import { closeSync, constants, fstatSync, openSync, renameSync, type Stats } from "node:fs";

/** A file of this path is not for mine. */
export class ForeignFileError extends Error {}

const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
/** With O_RDWR a pipe opens without a reader, and a reader may come and go. */
const FLAGS = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
/** Readable for its group; the umask can remove that. */
const MODE = 0o640;

/**
 * Opens a file or a named pipe to append to it; creates a missing file. The file must be of mine's user, and must have
 * no other name: in a directory of another user it could be any file of the host.
 * @returns its descriptor.
 * @throws Error of node:fs; ForeignFileError.
 */
export function openLogFile(path: string): number {
  const fd = openSync(path, FLAGS, MODE);
  try {
    refuseForeign(fstatSync(fd));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function refuseForeign(stat: Stats): void {
  if (!stat.isFile() && !stat.isFIFO()) throw new ForeignFileError("it is neither a file nor a named pipe");
  if (stat.uid !== process.geteuid?.()) throw new ForeignFileError(`it belongs to the user ${stat.uid}`);
  if (stat.isFile() && stat.nlink !== 1) throw new ForeignFileError("it has another name: a hard link");
}

/**
 * Gives a file the name PATH.1, and older files the next number. The oldest of them is removed.
 * @param keep max number of older files.
 * @throws Error of node:fs.
 */
export function rotateLogFile(path: string, keep: number): void {
  for (let number = keep; number > 0; number--) {
    const newer = number === 1 ? path : `${path}.${number - 1}`;
    try {
      renameSync(newer, `${path}.${number}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}
