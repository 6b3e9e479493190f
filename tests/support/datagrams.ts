// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A socket of another process that receives datagrams.
import { join } from "node:path";
import { until } from "./until.ts";

const program = join(import.meta.dir, "datagrams.py");

export class Receiver implements Disposable {
  readonly datagrams: Buffer[] = [];
  /** How many of them were files. */
  files = 0;
  readonly #child;

  private constructor(path: string) {
    this.#child = Bun.spawn(["python3", "-I", program, path], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
  }

  /** Binds the socket, and receives from then on. @param path a file, or "@" and an abstract name. */
  static async bind(path: string): Promise<Receiver> {
    const receiver = new Receiver(path);
    const { promise, resolve } = Promise.withResolvers<void>();
    void receiver.#read(resolve);
    await promise;
    return receiver;
  }

  async #read(isBound: () => void): Promise<void> {
    let text = "";
    for await (const part of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        if (line === "bound") {
          isBound();
          continue;
        }
        if (line.startsWith("file ")) this.files += 1;
        this.datagrams.push(Buffer.from(line.replace("file ", ""), "hex"));
      }
    }
  }

  get texts(): string[] {
    return this.datagrams.map(String);
  }

  /** Receives nothing until resume(). */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** Waits until a condition is true. */
  async until(condition: () => boolean): Promise<void> {
    await until(condition, () => `has ${this.texts.slice(-5).join(" ")}`);
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}
