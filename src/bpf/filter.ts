// What the kernel side reports, told before anything is attached.
import { mineFilter } from "../events/skeleton.gen.ts";
import type { BpfObject } from "./object.ts";

export interface Filter {
  /** Bit N: command N of ipset's protocol is wanted. */
  commands: number;
  /** The same for callers without CAP_NET_ADMIN, who are turned away before ipset sees the message. */
  denied: number;
  /** 0: everyone's. */
  pid: number;
  /** By the user or the login user; AUDIT_UID_UNSET: everyone's. */
  uid: number;
  /** nlmsg_seq of the request that fills the map "checks"; 0: none. */
  check: number;
  /** 1: with what only JSON tells of the caller; else 0. */
  details: number;
}

const names = [
  "commands",
  "denied",
  "pid",
  "uid",
  "check",
  "details",
] as const satisfies (keyof typeof mineFilter)[];

/** Before load(), of the modern object, where it is a constant. */
export function setFilter(object: BpfObject, filter: Filter): void {
  object.setConstants(pack(filter));
}

/** After load(), of the legacy object. */
export function writeFilter(object: BpfObject, filter: Filter): void {
  object.put("filters", 0, pack(filter));
}

function pack(filter: Filter): Uint8Array {
  const value = new DataView(new ArrayBuffer(4 * names.length));
  for (const name of names) value.setUint32(mineFilter[name][0], filter[name], true);
  return new Uint8Array(value.buffer);
}
