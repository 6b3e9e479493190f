// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// One ipset command, as reported by the BPF programs. Byte fields point into the event buffer, so use or copy
// them before the next drain.
import { type Decoded, type Layout, structOf } from "bun-libbpf/layout";
import { mineEvent, mineFlag } from "./skeleton.gen.ts";

type Header = Omit<Decoded<typeof mineEvent>, "data">;

/** A process that started the caller, or one further up. */
export interface Ancestor {
  /** Process id in the initial PID namespace. */
  readonly pid: number;
  /** Nanoseconds of CLOCK_BOOTTIME at its start; 0 if it is unknown. */
  readonly startNs: bigint;
  /** Name of its first thread; empty if it is unknown. */
  readonly comm: Uint8Array;
}

export interface MineEvent extends Header {
  /** The captured part of the netlink message. */
  readonly message: Uint8Array;
  /** The captured part of the caller's command line, with a NUL after each argument. */
  readonly arguments: Uint8Array;
  /** Path of the caller's executable; undefined if the BPF program could not read it. */
  readonly executable: Uint8Array | undefined;
  /**
   * Bytes of `arguments` and `executable` together. Two events with equal bytes and equal lengths have both
   * in common.
   */
  readonly program: Uint8Array;
  /** Path of the caller's cgroup; undefined for the root, and if the BPF program could not read it. */
  readonly cgroupPath: Uint8Array | undefined;
  /** The parent, and the processes further up to the first of the host, at most eight. Empty if not reported. */
  readonly ancestors: readonly Ancestor[];
  /** Bytes of `ancestors`. Two events with equal bytes have them in common. */
  readonly ancestry: Uint8Array;
  /** The start of the message in the kernel's acknowledgement. It belongs to `answer`. */
  readonly reply: Uint8Array;
  /** Whether the kernel refused the message before a handler of ipset ran. */
  readonly isRefused: boolean;
  /** Whether the kernel's answer is unknown. `result` has no meaning then. */
  readonly isUnanswered: boolean;
  /**
   * Whether another process than the sender ended the dump. Only pid, uid and gid of the sender are known
   * then.
   */
  readonly isByReader: boolean;
}

/** AUDIT_UID_UNSET of linux/audit.h: the process does not descend from a login. */
export const AUDIT_UID_UNSET = 0xffffffff;

const EPERM = 1;
const HEADER_SIZE = mineEvent.data[0];
/** struct mine_ancestor of bpf/mine.h. No map has its type, so the objects' BTF lacks it. */
export const mineAncestor = {
  startNs: [0, "u64"],
  pid: [8, "u32"],
  reserved: [12, "u32"],
  comm: [16, "string", 16],
} as const satisfies Layout;
const ANCESTOR_SIZE = mineAncestor.comm[0] + mineAncestor.comm[2];
const AncestorInPlace = structOf(mineAncestor);
const SLASH = 0x2f;

/** An event in place. The header has the lengths of the parts that follow it. */
class EventInPlace extends structOf(mineEvent) implements MineEvent {
  get message(): Uint8Array {
    return this.#part(0, this.capturedLen);
  }

  get arguments(): Uint8Array {
    return this.#part(this.capturedLen, this.argumentsCaptured);
  }

  get executable(): Uint8Array | undefined {
    const names = this.#part(this.capturedLen + this.argumentsCaptured, this.executableLen);
    return pathOf(names, (this.flags & mineFlag.executableCut) !== 0);
  }

  get program(): Uint8Array {
    return this.#part(this.capturedLen, this.argumentsCaptured + this.executableLen);
  }

  get cgroupPath(): Uint8Array | undefined {
    const start = this.capturedLen + this.argumentsCaptured + this.executableLen;
    return pathOf(this.#part(start, this.cgroupLen), false);
  }

  get ancestry(): Uint8Array {
    return this.#part(this.partsLength - this.replyLen - this.ancestorsLen, this.ancestorsLen);
  }

  get ancestors(): Ancestor[] {
    if (this.ancestorsLen === 0) return [];
    const { view } = this;
    const start = this.ancestry.byteOffset - view.byteOffset;
    return Array.from(
      { length: Math.trunc(this.ancestorsLen / ANCESTOR_SIZE) },
      (_, index) => new AncestorInPlace(view, start + index * ANCESTOR_SIZE),
    );
  }

  get reply(): Uint8Array {
    return this.#part(this.partsLength - this.replyLen, this.replyLen);
  }

  get partsLength(): number {
    const { capturedLen, argumentsCaptured, executableLen, cgroupLen, ancestorsLen, replyLen } = this;
    return capturedLen + argumentsCaptured + executableLen + cgroupLen + ancestorsLen + replyLen;
  }

  get isRefused(): boolean {
    return (this.flags & mineFlag.refused) !== 0;
  }

  get isUnanswered(): boolean {
    return (this.flags & mineFlag.unanswered) !== 0;
  }

  get isByReader(): boolean {
    return (this.flags & mineFlag.byReader) !== 0;
  }

  #part(start: number, length: number): Uint8Array {
    return new Uint8Array(this.view.buffer, this.view.byteOffset + this.at + HEADER_SIZE + start, length);
  }
}

/**
 * Reads an event in place.
 * @param size bytes of the record. The perf buffer pads them to a multiple of eight.
 * @returns undefined if these bytes cannot be an event.
 */
export function readEvent(view: DataView, at: number, size: number): MineEvent | undefined {
  if (size < HEADER_SIZE) return undefined;
  const event = new EventInPlace(view, at);
  return event.partsLength <= size - HEADER_SIZE ? event : undefined;
}

/** Returns the uid of the login user, so that sudo does not hide them; the real uid if it is unknown. */
export function accountableUid(event: Header): number {
  return event.loginUid === AUDIT_UID_UNSET ? event.uid : event.loginUid;
}

/** Returns whether the caller lacks CAP_NET_ADMIN. */
export const isDenied = ({ isRefused, result }: MineEvent): boolean => isRefused && result === -EPERM;

/**
 * Joins names into a path.
 * @param names from the file up to the root, with a NUL after each.
 * @param isTruncated whether the names near the root are missing; the path then begins with `...`.
 */
function pathOf(names: Uint8Array, isTruncated: boolean): Uint8Array | undefined {
  if (names.length === 0) return undefined;
  const prefix = isTruncated ? [0x2e, 0x2e, 0x2e] : [];
  const path = new Uint8Array(prefix.length + names.length);
  path.set(prefix);
  let end = names.length - 1; // at the NUL after a name
  for (let out = prefix.length; end >= 0; ) {
    const start = end === 0 ? 0 : names.lastIndexOf(0, end - 1) + 1; // -1 would count from the end
    path[out] = SLASH;
    path.set(names.subarray(start, end), out + 1);
    out += end - start + 1;
    end = start - 1;
  }
  return path;
}
