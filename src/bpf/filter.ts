// What the kernel side reports, written before anything is attached.
import { mineFilter } from "../events/skeleton.gen.ts";
import { checkResult } from "../ffi/libbpf.ts";
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
  /** 1: with what only JSON tells of the caller; else 0. */
  details: number;
}

const names = ["commands", "denied", "pid", "uid", "details"] as const satisfies (keyof typeof mineFilter)[];

export function writeFilter(object: BpfObject, filter: Filter): void {
  const value = new DataView(new ArrayBuffer(4 * names.length));
  for (const name of names) value.setUint32(mineFilter[name][0], filter[name], true);
  const update = object.lib.bpf_map_update_elem(
    object.mapFd("filters"),
    new Uint32Array([0]),
    new Uint8Array(value.buffer),
    0,
  );
  checkResult("bpf_map_update_elem(filters)", update);
}
