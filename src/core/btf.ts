// Which BTF of the running kernel to use. libbpf has the same list, but stops at /sys/kernel/btf/vmlinux even
// if that cannot be parsed, and does not tell what it looked at.
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { CallError } from "./errors.ts";
import { parseBtf } from "./ffi/libbpf.ts";

export const SYSFS_BTF = "/sys/kernel/btf/vmlinux";

/** In this order, the kernel's own first; the same places as libbpf's btf__load_vmlinux_btf(). */
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

/** Faults of a file that should carry BTF, and what is said about them. */
const faults = {
  missing: "missing",
  empty: "empty",
  "not-a-file": "not a regular file",
  "not-btf": "not BTF",
  untrusted: "users other than root can write it; name it with --btf to trust it",
} as const;

export interface BtfFault {
  /** For scripts. */
  reason: keyof typeof faults | "unreadable" | "unparsable";
  message: string;
}

const fault = (reason: keyof typeof faults): BtfFault => ({ reason, message: faults[reason] });

/** Parses a file. Returns undefined for one without a fault. */
export type BtfParser = (path: string) => BtfFault | undefined;

/** A place where BTF may be. */
export interface BtfPlace {
  path: string;
  fault: BtfFault | undefined;
}

/**
 * @param named the file that the user asked for: it, or nothing.
 * @param places where to search, the kernel's own file first.
 * @param parse as libbpf does.
 * @returns the places looked at, in this order; the last is the one to use, unless it has a fault too.
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

/** Enough for what the kernel itself wrote; parsing it twice would cost as much as all the rest of a start. */
function checkMagic(path: string): BtfFault | undefined {
  return withFile(path, (fd) => {
    const head = new DataView(new ArrayBuffer(2));
    readSync(fd, head, 0, 2, 0);
    return head.getUint16(0, true) === BTF_MAGIC ? undefined : fault("not-btf");
  });
}

/** A file that was found, not named by root, must be one that only root can have put there. */
function checkOwner(path: string): BtfFault | undefined {
  return withFile(path, (fd) => {
    const { uid, mode } = fstatSync(fd);
    return uid === 0 && (mode & 0o022) === 0 ? undefined : fault("untrusted");
  });
}

/** To open a FIFO may never end, and to read a device neither. */
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

/** Parses the file as libbpf does. */
function parseFault(path: string): BtfFault | undefined {
  try {
    parseBtf(path);
    return undefined;
  } catch (error) {
    if (error instanceof CallError) return { reason: "unparsable", message: error.message };
    throw error;
  }
}
