// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The kernel fields that mine finds.

/** The fields, with the evidence for their offsets. */
export const evidence = {
  "task_struct.mm": "the struct with the bounds of mine's command line and environment",
  "task_struct.tgid": "mine's process id, twice",
  "task_struct.real_parent": "the task with the id of mine's parent, before group_leader",
  "task_struct.group_leader": "the address of mine's first thread",
  "task_struct.thread_pid": "the struct with mine's process id that links back to mine's task",
  "task_struct.cred": "the struct with three group ids that mine sets for a moment",
  "task_struct.loginuid": "mine's login user, or one that mine sets for a moment; those of its ancestors",
  "task_struct.sessionid": "mine's session, beside the login user",
  "task_struct.comm": "a name that mine gives itself for a moment",
  "task_struct.start_boottime": "the start of mine in /proc/self/stat",
  "pid.numbers": "mine's process id",
  "mm_struct.arg_start": "the start of mine's command line",
  "mm_struct.arg_end": "the end of mine's command line",
  "cred.euid": "the place before the effective group id",
  "cred.egid": "an effective group id that mine sets for a moment",
  "sk_buff.sk": "the kernel's own netlink socket",
  "sk_buff.cb": "mine's process id, user, group and port",
  "sk_buff.tail": "the lengths of two requests",
  "sk_buff.head": "the address of a request",
  "sk_buff.data": "the address of the end of a request",
  "sock_common.skc_family": "AF_NETLINK",
  "sock_common.skc_net": "the namespaces of two sockets",
  "sock.sk_drops": "the number of dropped answers in /proc/net/netlink",
  "sock.sk_receive_queue": "the lists of three sockets, with one answer each",
  "sock.sk_filter": "the address that a filter sets",
  "sock.sk_err": "ENOBUFS, after dropped answers",
  "sock.sk_socket": "the structs with the inode numbers of three sockets",
  "sock.sk_protocol": "the protocols of three sockets",
  "netlink_sock.dst_portid": "the port that a socket is connected to",
  "netlink_sock.cb": "the address of a request for a dump",
  "socket_alloc.vfs_inode": "the inode numbers of three sockets",
  "net.ns": "the inode numbers of two namespaces",
} as const;

export type FieldName = keyof typeof evidence;
export const fieldNames = Object.keys(evidence) as FieldName[];
/** Fields that mine works without. One that is not certain is absent. */
export const optionalFields: readonly FieldName[] = ["task_struct.comm", "task_struct.start_boottime"];

/**
 * Offsets in bytes. net.ns and socket_alloc.vfs_inode are those of the number that the BPF programs read there. A
 * kernel without audit has no loginuid and sessionid.
 */
export type Offsets = { [Name in FieldName]?: number };

/** Values that mine sets for a moment, and that nothing else has. */
export interface Marks {
  /** Three group ids, user ids or ports. */
  ids: readonly [number, number, number];
  /** Number of requests that overrun a receive buffer. */
  requests: number;
}
