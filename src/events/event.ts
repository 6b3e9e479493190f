// One ipset command as the kernel side saw it. Byte fields point into the event buffer: use or copy them
// before the buffer moves on.
import { type Decoded, decode } from "./layout.ts";
import { mineEvent } from "./skeleton.gen.ts";

export type MineEvent = Decoded<typeof mineEvent>;

/** AUDIT_UID_UNSET of linux/audit.h: no one logged in to start this process. */
const AUDIT_UID_UNSET = 0xffffffff;

const HEADER_SIZE = mineEvent.message[0];

/**
 * @param size how many bytes the kernel sent; the perf buffer pads them to a multiple of eight.
 * @returns undefined when these bytes cannot be an event.
 */
export function readEvent(view: DataView, at: number, size: number): MineEvent | undefined {
  if (size < HEADER_SIZE) return undefined;
  const event = decode(mineEvent, view, at, size);
  if (event.capturedLen > event.message.length) return undefined;
  return { ...event, message: event.message.subarray(0, event.capturedLen) };
}

/** The user to name: who logged in, where that is known, so that sudo does not hide them. */
export function accountableUid(event: MineEvent): number {
  return event.loginUid === AUDIT_UID_UNSET ? event.uid : event.loginUid;
}
