// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Replaces a file in one step: a reader sees the old content or the new one.
import { closeSync, fchmodSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** @param mode permissions; the umask does not count. @throws Error of node:fs. */
export function replaceFile(path: string, mode: number, bytes: Uint8Array): void {
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  const fd = openSync(fresh, "wx", mode);
  try {
    fchmodSync(fd, mode);
    writeFileSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
}
