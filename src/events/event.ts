// One ipset command as the kernel side saw it. Byte fields point into the event buffer: use or copy them
// before the buffer moves on.
import { type Decoded, structOf } from "../core/layout.ts";
import { mineEvent, mineFlag } from "./skeleton.gen.ts";

type Header = Omit<Decoded<typeof mineEvent>, "data">;

export interface MineEvent extends Header {
  /** The netlink message, as far as it was captured. */
  readonly message: Uint8Array;
  /** The caller's command line, a NUL after each argument, as far as it was captured. */
  readonly arguments: Uint8Array;
  /** The path of the caller's executable; undefined when the kernel side could not read it. */
  readonly executable: Uint8Array | undefined;
  /** The bytes of both: where they are the same, and their lengths are, so are both. */
  readonly program: Uint8Array;
  /** The beginning of the message as the kernel sent it back with event.answer. */
  readonly reply: Uint8Array;
  /** Refused before any handler of ipset saw it. */
  readonly isRefused: boolean;
  /** What the kernel answered was not seen: the result says nothing. */
  readonly isUnanswered: boolean;
  /** Another process than the sender ended the dump: of the sender nothing is known but pid, uid and gid. */
  readonly isByReader: boolean;
}

/** AUDIT_UID_UNSET of linux/audit.h: no one logged in to start this process. */
export const AUDIT_UID_UNSET = 0xffffffff;

const EPERM = 1;
const HEADER_SIZE = mineEvent.data[0];
const SLASH = 0x2f;

/** The event at its place; what follows its header is one part after the other, each as long as the header says. */
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

  get reply(): Uint8Array {
    return this.#part(this.partsLength - this.replyLen, this.replyLen);
  }

  get partsLength(): number {
    return this.capturedLen + this.argumentsCaptured + this.executableLen + this.replyLen;
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
 * @param size how many bytes the kernel sent; the perf buffer pads them to a multiple of eight.
 * @returns undefined when these bytes cannot be an event.
 */
export function readEvent(view: DataView, at: number, size: number): MineEvent | undefined {
  if (size < HEADER_SIZE) return undefined;
  const event = new EventInPlace(view, at);
  return event.partsLength <= size - HEADER_SIZE ? event : undefined;
}

/** The user to name: who logged in, where that is known, so that sudo does not hide them. */
export function accountableUid(event: Header): number {
  return event.loginUid === AUDIT_UID_UNSET ? event.uid : event.loginUid;
}

/** The caller lacks CAP_NET_ADMIN. */
export const isDenied = ({ isRefused, result }: MineEvent): boolean => isRefused && result === -EPERM;

/** Names from the file up to the root, a NUL after each, as one path; `...` where its beginning is missing. */
function pathOf(names: Uint8Array, isCut: boolean): Uint8Array | undefined {
  if (names.length === 0) return undefined;
  const prefix = isCut ? [0x2e, 0x2e, 0x2e] : [];
  const path = new Uint8Array(prefix.length + names.length);
  path.set(prefix);
  let end = names.length - 1; // at the NUL after a name
  for (let out = prefix.length; end >= 0; ) {
    const start = end === 0 ? 0 : names.lastIndexOf(0, end - 1) + 1; // -1 would be counted from the end
    path[out] = SLASH;
    path.set(names.subarray(start, end), out + 1);
    out += end - start + 1;
    end = start - 1;
  }
  return path;
}
