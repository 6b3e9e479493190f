// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes found offsets as BTF, which libbpf takes as the kernel's own.
import { type Members, type Struct, type Type, writeBtf } from "./btf-writer.ts";
import type { FieldName, Offsets } from "./fields.ts";

const u8: Type = { kind: "int", bytes: 1 };
const u16: Type = { kind: "int", bytes: 2 };
const u32: Type = { kind: "int", bytes: 4 };
const s32: Type = { kind: "int", bytes: 4, isSigned: true };
const u64: Type = { kind: "int", bytes: 8 };
const pointer: Type = { kind: "pointer" };
const struct = (members: Members, bytes?: number): Struct => ({
  kind: "struct",
  members,
  ...(bytes === undefined ? {} : { bytes }),
});
const array = (element: Type, length: number): Type => ({ kind: "array", element, length });

/** kuid_t and kgid_t of linux/uidgid.h. */
const id = struct({ val: [0, u32] });
const upid = struct({ nr: [0, s32] }, 16);
/** The first members of these two are fixed: struct sk_buff is linked like its head (linux/skbuff.h). */
const links: Members = { next: [0, pointer], prev: [8, pointer] };
const queue = struct(links, 24);
const creds = struct({ pid: [0, u32], uid: [4, id], gid: [8, id] });
const callback = struct({ skb: [0, pointer] });

/** Types of the fields. skc_net, ns.inum and i_ino are in a struct of one member. */
const types: Record<FieldName, Type> = {
  "task_struct.mm": pointer,
  "task_struct.tgid": s32,
  "task_struct.real_parent": pointer,
  "task_struct.group_leader": pointer,
  "task_struct.thread_pid": pointer,
  "task_struct.cred": pointer,
  "task_struct.loginuid": id,
  "task_struct.sessionid": u32,
  "task_struct.comm": array(u8, 16),
  "task_struct.start_boottime": u64,
  "pid.numbers": array(upid, 1),
  "mm_struct.arg_start": u64,
  "mm_struct.arg_end": u64,
  "cred.euid": id,
  "cred.egid": id,
  "sk_buff.sk": pointer,
  "sk_buff.cb": array(u8, 48),
  "sk_buff.tail": u32,
  "sk_buff.head": pointer,
  "sk_buff.data": pointer,
  "sock_common.skc_family": u16,
  "sock_common.skc_net": struct({ net: [0, pointer] }),
  "sock.sk_drops": struct({ counter: [0, s32] }),
  "sock.sk_receive_queue": queue,
  "sock.sk_filter": pointer,
  "sock.sk_err": s32,
  "sock.sk_socket": pointer,
  "sock.sk_protocol": u8, // 16 bits since 5.6; every protocol fits in the lower byte
  "netlink_sock.dst_portid": u32,
  "netlink_sock.cb": callback,
  "socket_alloc.vfs_inode": struct({ i_ino: [0, u64] }),
  "net.ns": struct({ inum: [0, u32] }),
};

/**
 * struct pt_regs of asm/ptrace.h (x86-64): part of the ABI. On arm64 the objects need no relocation for registers.
 */
const registers: Members = { ax: [80, u64], cx: [88, u64], dx: [96, u64], si: [104, u64], di: [112, u64] };

/** Returns BTF with the found fields, and with the fields that are the same in every kernel from 4.15 on. */
export function kernelBtf(offsets: Offsets): Uint8Array {
  const found = (owner: string): Members =>
    Object.fromEntries(
      Object.entries(types).flatMap(([name, type]) => {
        const [struct, field = ""] = name.split(".");
        const offset = offsets[name as FieldName];
        return struct === owner && offset !== undefined ? [[field, [offset, type]]] : [];
      }),
    );
  return writeBtf({
    task_struct: struct(found("task_struct")),
    pid: struct({ level: [4, u32], ...found("pid") }),
    upid,
    mm_struct: struct(found("mm_struct")),
    cred: struct(found("cred")),
    sk_buff: struct({ ...links, ...found("sk_buff") }),
    sk_buff_head: queue,
    sock: struct({ __sk_common: [0, struct(found("sock_common"))], ...found("sock") }),
    sock_common: struct(found("sock_common")),
    netlink_sock: struct(found("netlink_sock")),
    netlink_callback: callback,
    socket_alloc: struct({ socket: [0, struct({})], ...found("socket_alloc") }),
    net: struct(found("net")),
    pt_regs: struct(process.arch === "x64" ? registers : {}),
    nlmsghdr: struct({
      nlmsg_len: [0, u32],
      nlmsg_type: [4, u16],
      nlmsg_flags: [6, u16],
      nlmsg_seq: [8, u32],
    }),
    scm_creds: creds,
    netlink_skb_parms: struct({ creds: [0, creds], portid: [12, u32], sk: [24, pointer] }),
  });
}
