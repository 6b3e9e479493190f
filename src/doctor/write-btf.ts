// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes BTF with the offsets that mine finds to a file, for hosts with the same kernel.
import { writeFileSync } from "node:fs";
import { release } from "node:os";
import { failed } from "../errors.ts";
import { ensureIpset } from "../host/ip-set-module.ts";
import { noneRequest } from "../ipset/request.ts";
import { log } from "../log.ts";
import { makeBtf } from "../offsets/find-btf.ts";
import type { HostConfig } from "../trace/config.ts";
import { openLibrary, requireRoot } from "../trace/session.ts";

/** @throws MineError if an offset is not certain, or if the file exists or cannot be written. */
export function writeBtfFile(config: HostConfig, path: string): void {
  if (config.verbose) log.setVerbose();
  openLibrary(config);
  requireRoot();
  ensureIpset(noneRequest()); // the search sends requests to nfnetlink
  const { bytes, offsets } = makeBtf("cannot write BTF");
  try {
    // wx: a link in a directory of another user leads nowhere else.
    writeFileSync(path, bytes, { flag: "wx", mode: 0o644 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw failed(
      code === "EEXIST" ? "file-exists" : "cannot-write",
      `cannot write ${path}: ${message}`,
      error,
    );
  }
  log.info(`${path}: ${Object.keys(offsets).length} offsets of kernel ${release()}, ${bytes.length} bytes`);
  log.info(`On a host with this kernel it belongs to /boot/vmlinux-${release()}`);
}
