// stdout: lines are gathered and written in one piece per batch. A reader that went away is a normal end.
import { writeSync } from "node:fs";
import { failed } from "../errors.ts";
import { waitWritable } from "../ffi/libc.ts";

const STDOUT = 1;
const WAIT_MS = 100;
/** Written at once when this many characters have gathered, so that a long drain cannot hoard memory. */
const FLUSH_LENGTH = 64 * 1024;

export class LineWriter {
  #pending: string[] = [];
  #length = 0;
  /** The reader has closed its end. */
  isClosed = false;

  write(line: string): void {
    this.#pending.push(line, "\n");
    this.#length += line.length + 1;
    if (this.#length >= FLUSH_LENGTH) this.flush();
  }

  flush(): void {
    if (this.#length === 0) return;
    const bytes = Buffer.from(this.#pending.join(""));
    this.#pending = [];
    this.#length = 0;
    for (let written = 0; written < bytes.length && !this.isClosed; )
      written += this.#writeSome(bytes, written);
  }

  #writeSome(bytes: Buffer, from: number): number {
    try {
      return writeSync(STDOUT, bytes, from);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EPIPE") this.isClosed = true;
      else if (code === "EAGAIN") waitWritable(STDOUT, WAIT_MS);
      else if (code !== "EINTR") throw failed("stdout", `cannot write to stdout: ${String(error)}`, error);
      return 0;
    }
  }
}
