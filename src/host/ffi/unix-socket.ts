// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A datagram socket to another process of this host. It never waits.
import { closeSync } from "node:fs";
import { CallError } from "bun-libbpf/errors";
import { errno } from "bun-libbpf/ffi";
import { libc } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

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
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (libc.sendto(this.#fd, bytes, bytes.length, flags, null, 0) < 0)
      throw new CallError("sendto", errno());
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
