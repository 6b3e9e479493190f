// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A netlink socket, by default to netfilter, in the current network namespace or in a new one. A new namespace is empty,
// and commands in it do not affect the host. It ends with the socket.
// unshare(2) moves the calling thread. So the thread returns before other code can run on it.
import { closeSync, fstatSync, openSync } from "node:fs";
import { CallError } from "bun-libbpf/errors";
import { errno, packStruct, waitReadable } from "bun-libbpf/ffi";
import { libc } from "./libc.ts";

const CLONE_NEWNET = 0x40000000;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
/** Protocols of linux/netlink.h. Every kernel with networks has route and generic. */
export const PROTOCOL = { route: 0, netfilter: 12, generic: 16 } as const;
/** asm-generic/socket.h */
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_ATTACH_FILTER = 26;
/** linux/bpf_common.h: BPF_RET | BPF_K */
const BPF_RET = 0x06;
const MSG_DONTWAIT = 0x40;

/** struct sockaddr_nl { u16 family, pad; u32 pid, groups; }: pid 0 is the kernel. */
const kernelAddress = new Uint8Array([AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/**
 * Bytes of the receive buffer. Answers are shorter if the socket reads with less than 32 KiB (netlink_dump()
 * in af_netlink.c).
 */
const RECEIVE_BYTES = 64 * 1024;

function enterNamespace(fd: number): void {
  if (libc.setns(fd, CLONE_NEWNET) < 0) throw new CallError("setns", errno());
}

export class NetlinkSocket implements Disposable {
  /** Inode number of the socket's network namespace. */
  readonly netns: number;
  readonly #buffer = new Uint8Array(RECEIVE_BYTES);
  #fd: number;

  private constructor(fd: number, netns: number) {
    this.#fd = fd;
    this.netns = netns;
  }

  /**
   * Opens a socket in a new network namespace.
   * @throws CallError: EINVAL of unshare if the kernel has no network namespaces, EPERM without
   *   CAP_SYS_ADMIN.
   */
  static inOwnNamespace(): NetlinkSocket {
    const home = openSync("/proc/thread-self/ns/net", "r");
    try {
      if (libc.unshare(CLONE_NEWNET) < 0) throw new CallError("unshare(CLONE_NEWNET)", errno());
      try {
        return NetlinkSocket.here();
      } finally {
        enterNamespace(home);
      }
    } finally {
      closeSync(home);
    }
  }

  /** Opens a socket in the network namespace of this process. @throws CallError. */
  static here(protocol: number = PROTOCOL.netfilter): NetlinkSocket {
    const namespace = openSync("/proc/thread-self/ns/net", "r");
    try {
      const netns = fstatSync(namespace).ino;
      const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
      if (fd < 0) throw new CallError("socket(AF_NETLINK)", errno());
      return new NetlinkSocket(fd, netns);
    } finally {
      closeSync(namespace);
    }
  }

  /** Inode number of the socket. */
  get inode(): number {
    return fstatSync(this.#fd).ino;
  }

  /** Connects the socket to a port: it receives nothing from others then. @throws CallError. */
  connect(port: number): void {
    const address = new Uint8Array(kernelAddress);
    new DataView(address.buffer).setUint32(4, port, true);
    if (libc.connect(this.#fd, address, address.length) < 0) throw new CallError("connect", errno());
  }

  /** Attaches a filter that accepts every datagram. @throws CallError. */
  attachFilter(): void {
    // struct sock_fprog { u16 len; struct sock_filter *filter; }, with one instruction: return the whole datagram
    const accept = new Uint8Array([BPF_RET, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f]);
    this.#setOption(
      SO_ATTACH_FILTER,
      packStruct(16, [
        [0, 1],
        [8, accept],
      ]),
    );
  }

  /** Gives the receive buffer its least size. @throws CallError. */
  shrinkReceiveBuffer(): void {
    this.#setOption(SO_RCVBUF, new Uint8Array(4));
  }

  #setOption(name: number, value: Uint8Array): void {
    if (libc.setsockopt(this.#fd, SOL_SOCKET, name, value, value.length) < 0)
      throw new CallError("setsockopt", errno());
  }

  /** The address of this socket as a netlink sender; 0 before the first datagram. @throws CallError. */
  get port(): number {
    const address = new DataView(new ArrayBuffer(kernelAddress.length));
    const length = new Uint32Array([kernelAddress.length]);
    if (libc.getsockname(this.#fd, new Uint8Array(address.buffer), length) < 0) {
      throw new CallError("getsockname", errno());
    }
    return address.getUint32(4, true);
  }

  /** Sends one datagram to the kernel. The kernel has processed it when this returns. @throws CallError. */
  send(bytes: Uint8Array): void {
    const sent = libc.sendto(this.#fd, bytes, bytes.length, 0, kernelAddress, kernelAddress.length);
    if (sent < 0) throw new CallError("sendto", errno());
  }

  /**
   * Receives the next datagram, as a view that the next call overwrites.
   * @returns undefined after the timeout.
   * @throws CallError.
   */
  receive(timeoutMs: number): Uint8Array | undefined {
    if (!waitReadable(this.#fd, timeoutMs)) return undefined;
    const length = Number(libc.recv(this.#fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT));
    if (length < 0) throw new CallError("recv", errno());
    return this.#buffer.subarray(0, length);
  }

  [Symbol.dispose](): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }
}
