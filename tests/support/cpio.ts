// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes a cpio archive in the "newc" format, which Linux unpacks as its initramfs. Root owns every entry.
// Contents are padded to four bytes. A name is padded together with its header.
import { closeSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const fileType = { directory: 0o040000, regular: 0o100000, symlink: 0o120000 } as const;

export class CpioWriter implements Disposable {
  readonly #fd: number;
  readonly #directories = new Set(["/"]);
  #entries = 0;

  constructor(archivePath: string) {
    this.#fd = openSync(archivePath, "wx", 0o600);
  }

  directory(path: string): void {
    if (this.#directories.has(path)) return;
    this.directory(dirname(path)); // Linux creates no parent directories
    this.#directories.add(path);
    this.#entry(path, fileType.directory | 0o755, Buffer.alloc(0));
  }

  file(path: string, content: Uint8Array | string, mode = 0o644): void {
    this.directory(dirname(path));
    this.#entry(path, fileType.regular | mode, Buffer.from(content));
  }

  symlink(path: string, target: string): void {
    this.directory(dirname(path));
    this.#entry(path, fileType.symlink | 0o777, Buffer.from(target));
  }

  [Symbol.dispose](): void {
    this.#entry("/TRAILER!!!", 0, Buffer.alloc(0));
    closeSync(this.#fd);
  }

  #entry(path: string, mode: number, content: Buffer): void {
    const name = Buffer.from(`${path.slice(1)}\0`);
    const fields = [
      ++this.#entries, // inode
      mode,
      0, // owner
      0, // group
      1, // links
      0, // time
      content.length,
      0, // device, major and minor
      0,
      0, // device that a special file stands for
      0,
      name.length,
      0, // checksum, unused
    ];
    const header = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
    this.#write(Buffer.concat([Buffer.from(`070701${header}`), name]));
    this.#write(content);
  }

  #write(bytes: Buffer): void {
    const padding = Buffer.alloc(-bytes.length & 3);
    for (const chunk of [bytes, padding]) {
      for (let done = 0; done < chunk.length; ) done += writeSync(this.#fd, chunk, done);
    }
  }
}
