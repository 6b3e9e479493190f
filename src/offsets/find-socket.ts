// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds the fields of socket buffers and sockets, in copies of mine's own netlink requests and sockets.
import { readFileSync } from "node:fs";
import { NetlinkSocket, PROTOCOL } from "../host/ffi/netlink-socket.ts";
import { linksRequest, noopRequest } from "../ipset/request.ts";
import type { Marks, Offsets } from "./fields.ts";
import { BASE, type Copy, type CopyOptions, type KernelMemory } from "./kernel-memory.ts";
import { firstOf, offsets, only, required, single } from "./search.ts";

const AF_NETLINK = 16;
const ENOBUFS = 105;
/** Fields of struct netlink_skb_parms, the same from 4.15 to 7.x. */
const PARMS = { pid: 0, uid: 4, gid: 8, portid: 12, sk: 24 } as const;
/** Maximum bytes of a struct netlink_sock, which begins with a struct sock. */
const SOCKET_BYTES = 1536;
/** Maximum bytes before the fields of a struct net and of a struct socket_alloc. */
const NEAR_BYTES = 1024;

/** Finds the fields of a request's struct sk_buff. The kernel has pulled the message: head is at it, data behind. */
export function findBuffer(memory: KernelMemory, socket: NetlinkSocket): Offsets {
  const { length } = noopRequest(0);
  const headIn = (copy: Copy, bytes: number): number | undefined =>
    firstOf(
      0,
      512,
      8,
      (at) => memory.isAddress(copy.u64(at)) && copy.u64(at + 8) === copy.u64(at) + BigInt(bytes),
    );
  const copyOf = (request: (sequence: number) => Uint8Array, bytes: number): Copy =>
    required(
      "struct sk_buff",
      memory.copy(socket, BASE.buffer, { request, accept: (copy) => headIn(copy, bytes) !== undefined }),
    );
  const padding = 132;
  const copy = copyOf(noopRequest, length);
  const longer = copyOf((sequence) => noopRequest(sequence, padding), length + padding);
  const head = required("sk_buff.head", headIn(copy, length));
  const { port } = socket;
  const cb = only("sk_buff.cb", 0, head, 4, (at) => isSender(copy, at, port));
  const sender = copy.u64(cb + PARMS.sk);
  const sk = only("sk_buff.sk", 0, head, 8, (at) => {
    const address = copy.u64(at);
    const isInParms = at >= cb && at < cb + 48;
    return (
      !isInParms &&
      address !== sender &&
      memory.isAddress(address) &&
      memory.copy(socket, address)?.u16(16) === AF_NETLINK
    );
  });
  const tail = only(
    "sk_buff.tail",
    cb + 48,
    head,
    4,
    (at) => copy.u32(at) === length && longer.u32(at) === length + padding,
  );
  return {
    "sk_buff.head": head,
    "sk_buff.data": head + 8,
    "sk_buff.tail": tail,
    "sk_buff.cb": cb,
    "sk_buff.sk": sk,
  };
}

const isSender = (copy: Copy, cb: number, port: number): boolean =>
  copy.u32(cb + PARMS.pid) === process.pid &&
  copy.u32(cb + PARMS.uid) === 0 &&
  copy.u32(cb + PARMS.gid) === 0 &&
  copy.u32(cb + PARMS.portid) === port;

/** A netlink socket, and how to copy its struct netlink_sock. */
interface Subject {
  socket: NetlinkSocket;
  copy: (options?: CopyOptions) => Copy;
}

/** Finds the fields of struct netlink_sock and of the structs that it points to. */
export function findSocket(memory: KernelMemory, buffer: Offsets, marks: Marks): Offsets {
  using stack = new DisposableStack();
  const cb = required("sk_buff.cb", buffer["sk_buff.cb"]);
  const subject = (socket: NetlinkSocket): Subject => {
    stack.use(socket);
    const accept = (copy: Copy): boolean => isSender(copy, cb, socket.port);
    const request = required("struct sk_buff", memory.copy(socket, BASE.buffer, { accept }));
    const address = request.u64(cb + PARMS.sk);
    return { socket, copy: (options) => required("struct sock", memory.copy(socket, address, options)) };
  };
  const here = subject(NetlinkSocket.here());
  const elsewhere = subject(NetlinkSocket.inOwnNamespace());
  // A small number, such as an inode number, is in other fields too. Three sockets have three numbers.
  const protocols = [PROTOCOL.netfilter, PROTOCOL.route, PROTOCOL.generic];
  // An interrupt may make the copy before the answer is there.
  const hasAnswer = (sock: Copy): boolean =>
    firstOf(0, SOCKET_BYTES, 8, (at) => isQueueOfOne(memory, sock, at)) !== undefined;
  const three = protocols.map((protocol) => {
    const { socket, copy } = subject(NetlinkSocket.here(protocol));
    return { socket, sock: copy({ accept: hasAnswer }) };
  });
  return {
    "sock_common.skc_family": only("sock_common.skc_family", 0, 64, 2, (at) =>
      three.every(({ sock }) => sock.u16(at) === AF_NETLINK),
    ),
    "sock.sk_protocol": only("sock.sk_protocol", 64, SOCKET_BYTES, 1, (at) =>
      three.every(({ sock }, index) => sock.u8(at) === protocols[index]),
    ),
    "sock.sk_receive_queue": only("sock.sk_receive_queue", 0, SOCKET_BYTES, 8, (at) =>
      three.every(({ sock }) => isQueueOfOne(memory, sock, at)),
    ),
    ...findNet(memory, here, elsewhere),
    ...findFile(memory, three),
    ...findDump(
      memory,
      subject(NetlinkSocket.here(PROTOCOL.route)),
      required("sk_buff.head", buffer["sk_buff.head"]),
    ),
    ...findDrops(subject(NetlinkSocket.here()), marks),
    ...findConnection(memory, subject(NetlinkSocket.here()), marks),
  };
}

/** Returns whether a struct sk_buff_head { next, prev, qlen } with one element is here. */
function isQueueOfOne(memory: KernelMemory, copy: Copy, at: number): boolean {
  const next = copy.u64(at);
  return (
    memory.isAddress(next) &&
    next === copy.u64(at + 8) &&
    copy.u32(at + 16) === 1 &&
    next !== copy.address + BigInt(at)
  );
}

/** Finds the network namespaces of two sockets, and the inode number in it. */
function findNet(memory: KernelMemory, one: Subject, other: Subject): Offsets {
  const [sock, otherSock] = [one.copy(), other.copy()];
  const found: [number, number][] = [];
  for (const at of offsets(0, NEAR_BYTES, 8)) {
    const [address, otherAddress] = [sock.u64(at), otherSock.u64(at)];
    if (!memory.isAddress(address) || !memory.isAddress(otherAddress) || address === otherAddress) continue;
    const [net, otherNet] = [memory.copy(one.socket, address), memory.copy(one.socket, otherAddress)];
    if (!net || !otherNet) continue;
    for (const inum of offsets(0, Math.min(net.length, otherNet.length, NEAR_BYTES), 4)) {
      if (net.u32(inum) === one.socket.netns && otherNet.u32(inum) === other.socket.netns)
        found.push([at, inum]);
    }
  }
  const [net, inum] = single("net.ns", found);
  return { "sock_common.skc_net": net, "net.ns": inum };
}

/** Finds the struct socket_alloc { socket, vfs_inode }. The struct socket in it points back. */
function findFile(memory: KernelMemory, subjects: readonly { socket: NetlinkSocket; sock: Copy }[]): Offsets {
  const found: [number, number][] = [];
  for (const at of offsets(0, SOCKET_BYTES, 8)) {
    const files = subjects.flatMap(({ socket, sock }): [Copy, bigint][] => {
      const address = sock.u64(at);
      const file = memory.isAddress(address) ? memory.copy(socket, address) : undefined;
      if (!file || firstOf(0, 64, 8, (back) => file.u64(back) === sock.address) === undefined) return [];
      return [[file, BigInt(socket.inode)]];
    });
    if (files.length < subjects.length) continue;
    const end = Math.min(...files.map(([file]) => file.length), NEAR_BYTES);
    for (const inode of offsets(0, end, 8)) {
      if (files.every(([file, number]) => file.u64(inode) === number)) found.push([at, inode]);
    }
  }
  const [file, inode] = single("sock.sk_socket", found);
  return { "sock.sk_socket": file, "socket_alloc.vfs_inode": inode };
}

/** Finds the struct netlink_callback { skb, nlh }: it holds the request of a dump until the dump ends. */
function findDump(memory: KernelMemory, { socket, copy }: Subject, head: number): Offsets {
  const before = copy();
  socket.send(linksRequest(0));
  const keep = true;
  const sock = copy({ keep });
  const isRequest = (at: number): boolean => {
    const [skb, message] = [sock.u64(at), sock.u64(at + 8)];
    if (before.u64(at) !== 0n || !memory.isAddress(skb) || !memory.isAddress(message)) return false;
    return memory.copy(socket, skb, { keep })?.u64(head) === message;
  };
  return { "netlink_sock.cb": only("netlink_sock.cb", 0, SOCKET_BYTES, 8, isRequest) };
}

/** Finds the count of dropped answers and the error: the socket gets more answers than it has space for. */
function findDrops({ socket, copy }: Subject, { requests }: Marks): Offsets {
  const before = copy();
  socket.shrinkReceiveBuffer();
  for (let sent = 0; sent < requests; sent++) socket.send(noopRequest(0));
  let drops = 0;
  // An interrupt may make the copy before the last answer is dropped.
  const isCounted = (sock: Copy): boolean => {
    drops = droppedAnswers(socket.inode);
    return firstOf(0, SOCKET_BYTES, 4, (at) => isNew(sock, at, drops)) !== undefined;
  };
  const isNew = (sock: Copy, at: number, value: number): boolean =>
    before.u32(at) === 0 && sock.u32(at) === value;
  const sock = copy({ keep: true, accept: isCounted });
  return {
    "sock.sk_drops": only("sock.sk_drops", 0, SOCKET_BYTES, 4, (at) => isNew(sock, at, drops)),
    "sock.sk_err": only("sock.sk_err", 0, SOCKET_BYTES, 4, (at) => isNew(sock, at, ENOBUFS)),
  };
}

/** Returns the number of answers to a netlink socket that the kernel has dropped. */
function droppedAnswers(inode: number): number {
  // Columns: sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode.
  const rows = readFileSync("/proc/self/net/netlink", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  return Number(rows.find((row) => row[9] === String(inode))?.[8]);
}

/** Finds the filter and the peer: the socket has neither at first. */
function findConnection(memory: KernelMemory, { socket, copy }: Subject, { ids: [port] }: Marks): Offsets {
  const before = copy();
  socket.attachFilter();
  socket.connect(port);
  const after = copy();
  return {
    "sock.sk_filter": only(
      "sock.sk_filter",
      0,
      SOCKET_BYTES,
      8,
      (at) => before.u64(at) === 0n && memory.isAddress(after.u64(at)),
    ),
    "netlink_sock.dst_portid": only(
      "netlink_sock.dst_portid",
      0,
      SOCKET_BYTES,
      4,
      (at) => after.u32(at) === port,
    ),
  };
}
