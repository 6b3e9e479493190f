// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A datagram socket to another process of this host. It never waits.
import { closeSync } from "node:fs";
import { CallError } from "bun-libbpf/errors";
import { errno, packStruct, waitWritable } from "bun-libbpf/ffi";
import { libc } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
/** They never wait, and a receiver that is gone makes no signal. */
const FLAGS = 0x40 | 0x4000; // MSG_DONTWAIT | MSG_NOSIGNAL

export class UnixSocket implements Disposable {
  readonly #fd: number;

  private constructor(fd: number) {
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

  /** Sends one datagram. @throws CallError, also if the other side has no space: EAGAIN. */
  send(bytes: Uint8Array): void {
    if (libc.sendto(this.#fd, bytes, bytes.length, FLAGS, null, 0) < 0)
      throw new CallError("sendto", errno());
  }

  /** Sends a file in a datagram without bytes. @throws CallError as send() does. */
  sendFile(file: number): void {
    if (libc.sendmsg(this.#fd, messageWithFile(file), FLAGS) < 0) throw new CallError("sendmsg", errno());
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
 * Returns a message with a file and no bytes. musl has the lengths as 32 bits and four bytes that it ignores:
 * struct msghdr { name, u32 namelen, iov, u64 iovlen, control, u64 controllen, int flags; }
 * struct cmsghdr { u64 len; int level, type; int fd; }
 */
function messageWithFile(file: number): Uint8Array {
  const SOL_SOCKET = 1;
  const SCM_RIGHTS = 1;
  const control = packStruct(24, [
    [0, 20],
    [8, SOL_SOCKET + SCM_RIGHTS * 2 ** 32],
    [16, file],
  ]);
  return packStruct(56, [
    [32, control],
    [40, control.length],
  ]);
}
