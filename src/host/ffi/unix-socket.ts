// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A datagram socket to another process of this host. Only wait() and receive() wait.
import { closeSync } from "node:fs";
import { CallError } from "bun-libbpf/errors";
import { errno, packStruct, waitReadable, waitWritable } from "bun-libbpf/ffi";
import { libc } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
/** Datagrams in order, and the end of the other side is seen. */
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
/** They never wait, and a receiver that is gone makes no signal. */
const FLAGS = MSG_DONTWAIT | 0x4000; // MSG_NOSIGNAL
const MSG_CMSG_CLOEXEC = 0x40000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
/** Bytes of a struct cmsghdr with one descriptor: { u64 len; int level, type; int fd; }, and its padding. */
const CONTROL_BYTES = 24;

/** A received datagram. */
export interface Datagram {
  bytes: Uint8Array;
  /** Descriptor of a file that came with it. */
  file: number | undefined;
}

export class UnixSocket implements Disposable {
  readonly #fd: number;

  /** @param fd a connected socket; the object owns it. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Connects a socket.
   * @param path a file, or "@" and an abstract name; at most 107 bytes.
   * @throws CallError.
   */
  static connect(path: string): UnixSocket {
    const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) throw new CallError("socket(AF_UNIX)", errno());
    // struct sockaddr_un { u16 family; char path[108]; }. An abstract name begins with a NUL, and has none at its end.
    const address = Buffer.from(`\0\0${path.replace(/^@/, "\0")}${path.startsWith("@") ? "" : "\0"}`);
    address.writeUInt16LE(AF_UNIX);
    if (libc.connect(fd, address, address.length) < 0) {
      const error = new CallError("connect", errno());
      closeSync(fd);
      throw error;
    }
    return new UnixSocket(fd);
  }

  /**
   * Returns a socket and the descriptor of its other side, which the caller passes to a new process and closes.
   * @throws CallError.
   */
  static pair(): [UnixSocket, other: number] {
    const fds = new Int32Array(2);
    if (libc.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
      throw new CallError("socketpair", errno());
    const [own = -1, other = -1] = fds;
    return [new UnixSocket(own), other];
  }

  /** Sends one datagram. @throws CallError, also if the other side has no space: EAGAIN. */
  send(bytes: Uint8Array): void {
    if (libc.sendto(this.#fd, bytes, bytes.length, FLAGS, null, 0) < 0)
      throw new CallError("sendto", errno());
  }

  /** Sends a file, in a datagram with these bytes. @throws CallError as send() does. */
  sendFile(file: number, bytes: Uint8Array = new Uint8Array()): void {
    const control = packStruct(CONTROL_BYTES, [
      [0, 20],
      [8, SOL_SOCKET + SCM_RIGHTS * 2 ** 32],
      [16, file],
    ]);
    if (libc.sendmsg(this.#fd, message(bytes, control), FLAGS) < 0) throw new CallError("sendmsg", errno());
  }

  /**
   * Waits for a datagram.
   * @param maxBytes a longer datagram loses its end.
   * @returns undefined if none comes in this time, or if a signal ends the wait; a datagram without bytes if the other
   * side is closed.
   * @throws CallError.
   */
  receive(timeoutMs: number, maxBytes: number): Datagram | undefined {
    if (!waitReadable(this.#fd, timeoutMs)) return undefined;
    const bytes = new Uint8Array(maxBytes);
    const control = packStruct(CONTROL_BYTES, []);
    const length = Number(libc.recvmsg(this.#fd, message(bytes, control), MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
    if (length < 0) throw new CallError("recvmsg", errno());
    const header = new DataView(control.buffer);
    const hasFile = header.getInt32(8, true) === SOL_SOCKET && header.getInt32(12, true) === SCM_RIGHTS;
    return { bytes: bytes.subarray(0, length), file: hasFile ? header.getInt32(16, true) : undefined };
  }

  /** Waits until the other side has space, at most timeoutMs. */
  wait(timeoutMs: number): void {
    waitWritable(this.#fd, timeoutMs);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/**
 * Returns a struct msghdr { name, u32 namelen, iov, u64 iovlen, control, u64 controllen, int flags; }. musl has the
 * lengths as 32 bits and four bytes that it ignores.
 */
function message(bytes: Uint8Array, control: Uint8Array): Uint8Array {
  // struct iovec { void *base; size_t len; }
  const part = packStruct(16, [
    [0, bytes.length > 0 ? bytes : null],
    [8, bytes.length],
  ]);
  return packStruct(56, [
    [16, part],
    [24, 1],
    [32, control],
    [40, control.length],
  ]);
}
