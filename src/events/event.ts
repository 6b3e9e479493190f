// One ipset command as the kernel side saw it. Byte fields point into the event buffer: use or copy them
// before the buffer moves on.
import { type Decoded, decode } from "./layout.ts";
import { mineEvent, mineFlag } from "./skeleton.gen.ts";

type Header = Omit<Decoded<typeof mineEvent>, "data">;

export interface MineEvent extends Header {
  /** The netlink message, as far as it was captured. */
  message: Uint8Array;
  /** The caller's command line, a NUL after each argument, as far as it was captured. */
  arguments: Uint8Array;
  /** The path of the caller's executable; undefined when the kernel side could not read it. */
  executable: Uint8Array | undefined;
  /** The beginning of the message as the kernel sent it back with event.answer. */
  reply: Uint8Array;
  /** Refused before any handler of ipset saw it. */
  isRefused: boolean;
}

/** AUDIT_UID_UNSET of linux/audit.h: no one logged in to start this process. */
export const AUDIT_UID_UNSET = 0xffffffff;

const HEADER_SIZE = mineEvent.data[0];
const SLASH = 0x2f;

/**
 * @param size how many bytes the kernel sent; the perf buffer pads them to a multiple of eight.
 * @returns undefined when these bytes cannot be an event.
 */
export function readEvent(view: DataView, at: number, size: number): MineEvent | undefined {
  if (size < HEADER_SIZE) return undefined;
  const { data, ...header } = decode(mineEvent, view, at, size);
  const argumentsAt = header.capturedLen;
  const executableAt = argumentsAt + header.argumentsCaptured;
  const replyAt = executableAt + header.executableLen;
  const end = replyAt + header.replyLen;
  if (end > data.length) return undefined;
  return {
    ...header,
    message: data.subarray(0, argumentsAt),
    arguments: data.subarray(argumentsAt, executableAt),
    executable: pathOf(data.subarray(executableAt, replyAt), (header.flags & mineFlag.executableCut) !== 0),
    reply: data.subarray(replyAt, end),
    isRefused: (header.flags & mineFlag.refused) !== 0,
  };
}

/** The user to name: who logged in, where that is known, so that sudo does not hide them. */
export function accountableUid(event: Header): number {
  return event.loginUid === AUDIT_UID_UNSET ? event.uid : event.loginUid;
}

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
