// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds the BTF file of the running kernel. libbpf searches the same places. But it stops at
// /sys/kernel/btf/vmlinux
// even if that file cannot be parsed, and it does not report the places that it tried.
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { CallError } from "./errors.ts";
import { parseBtf } from "./ffi/libbpf.ts";

export const SYSFS_BTF = "/sys/kernel/btf/vmlinux";

/** Returns the paths to search, the kernel's own file first: those of libbpf's btf__load_vmlinux_btf(). */
export function btfPlaces(release: string): string[] {
  return [
    SYSFS_BTF,
    `/boot/vmlinux-${release}`,
    `/lib/modules/${release}/vmlinux-${release}`,
    `/lib/modules/${release}/build/vmlinux`,
    `/usr/lib/modules/${release}/kernel/vmlinux`,
    `/usr/lib/debug/boot/vmlinux-${release}`,
    `/usr/lib/debug/boot/vmlinux-${release}.debug`,
    `/usr/lib/debug/lib/modules/${release}/vmlinux`,
  ];
}

/** Reasons why a file is not usable as BTF, with their messages. */
const faults = {
  missing: "missing",
  empty: "empty",
  "not-a-file": "not a regular file",
  "not-btf": "not BTF",
  untrusted: "users other than root can write it; name it with --btf to trust it",
} as const;

export interface BtfFault {
  /** Reason for scripts. It keeps its name when the message changes. */
  reason: keyof typeof faults | "unreadable" | "unparsable";
  message: string;
}

const fault = (reason: keyof typeof faults): BtfFault => ({ reason, message: faults[reason] });

/** Parses a file. @returns undefined for a file without a fault. */
export type BtfParser = (path: string) => BtfFault | undefined;

/** A path where BTF may be, and the fault of the file there. */
export interface BtfPlace {
  path: string;
  fault: BtfFault | undefined;
}

/**
 * Searches for BTF and stops at the first file without a fault.
 * @param named the file that the user named. No other place is searched then.
 * @param places the paths to search, the kernel's own file first.
 * @param parse the parser; libbpf's by default.
 * @returns the places that were tried, in order. The last one is the file to use, unless it has a fault too.
 */
export function searchBtf(
  named: string | undefined,
  places: string[],
  parse: BtfParser = parseFault,
): BtfPlace[] {
  if (named !== undefined) return [{ path: named, fault: checkKind(named) ?? parse(named) }];
  const looked: BtfPlace[] = [];
  for (const [index, path] of places.entries()) {
    const fault = index === 0 ? checkMagic(path) : (checkKind(path) ?? checkOwner(path) ?? parse(path));
    looked.push({ path, fault });
    if (!fault) break;
  }
  return looked;
}

const BTF_MAGIC = 0xeb9f;

/**
 * Checks only the magic number, which is enough for the kernel's own file. To parse it a second time would
 * cost as much as the rest of the start.
 */
function checkMagic(path: string): BtfFault | undefined {
  return withFile(path, (fd) => {
    const head = new DataView(new ArrayBuffer(2));
    readSync(fd, head, 0, 2, 0);
    return head.getUint16(0, true) === BTF_MAGIC ? undefined : fault("not-btf");
  });
}

/** Checks that only root can write the file. Root did not name this file: the search found it. */
function checkOwner(path: string): BtfFault | undefined {
  return withFile(path, (fd) => {
    const { uid, mode } = fstatSync(fd);
    return uid === 0 && (mode & 0o022) === 0 ? undefined : fault("untrusted");
  });
}

/** Checks that the path is a regular file. To open a FIFO, or to read a device, may block forever. */
function checkKind(path: string): BtfFault | undefined {
  try {
    const found = statSync(path);
    if (!found.isFile()) return fault("not-a-file");
    return found.size === 0 ? fault("empty") : undefined;
  } catch (error) {
    return accessFault(error);
  }
}

function withFile(path: string, look: (fd: number) => BtfFault | undefined): BtfFault | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    return look(fd);
  } catch (error) {
    return accessFault(error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function accessFault(error: unknown): BtfFault {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return code === "ENOENT" || code === "ENOTDIR" ? fault("missing") : { reason: "unreadable", message: code };
}

/** Parses the file with libbpf. */
function parseFault(path: string): BtfFault | undefined {
  try {
    parseBtf(path);
    return undefined;
  } catch (error) {
    if (error instanceof CallError) return { reason: "unparsable", message: error.message };
    throw error;
  }
}
