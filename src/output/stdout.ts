// stdout: lines are gathered and written in one piece per batch. A reader that went away is a normal end.
// The trap: a write to a pipe or terminal that nobody reads blocks, and with it everything, Ctrl-C included. So
// nothing here waits: what cannot be written yet stays, and whoever fills the writer looks whether it is full.
import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { isTerminal, waitWritable } from "../core/ffi/libc.ts";
import { failed, type MineError } from "../errors.ts";
import { ByteWriter } from "./byte-writer.ts";

const STDOUT = 1;
/** Written at once when this many bytes have gathered, so that a long drain cannot hoard memory. */
const FLUSH_LENGTH = 64 * 1024;
/** What is writable at all takes this much without blocking. */
const PIPE_BUF = 4096;
const NEWLINE = 0x0a;
const WAIT_MS = 100;

export class LineWriter {
  /** Where a line is put together; endLine() ends it. */
  readonly line = new ByteWriter(FLUSH_LENGTH + PIPE_BUF);
  /** The reader has closed its end. */
  isClosed = false;
  writtenBytes = 0;
  readonly #stdout = openStdout();
  #failure: MineError | undefined;

  /** Never throws: who calls it may be in the middle of something. What failed is thrown by the next flush(). */
  endLine(): void {
    this.line.byte(NEWLINE);
    if (this.isFull) this.#write();
  }

  /** Lines are written to a terminal. */
  get isTerminal(): boolean {
    return isTerminal(this.#stdout.fd);
  }

  /** So much waits to be written that no more should be added. */
  get isFull(): boolean {
    return this.line.length >= FLUSH_LENGTH;
  }

  /**
   * Writes as much as can be written without waiting.
   * @returns whether that is all.
   * @throws MineError when stdout takes no more, but for a reader that went away.
   */
  flush(): boolean {
    this.#write();
    if (this.#failure) throw this.#failure;
    return this.line.length === 0;
  }

  #write(): void {
    let written = 0;
    while (written < this.line.length && !this.isClosed && !this.#failure) {
      const count = this.#writeSome(this.line.written(written));
      if (count === 0) break;
      written += count;
    }
    this.writtenBytes += written;
    this.line.dropFirst(this.isClosed ? this.line.length : written);
  }

  /** Waits until more can be written, at most timeoutMs. */
  wait(timeoutMs: number): void {
    waitWritable(this.#stdout.fd, timeoutMs);
  }

  /** @returns how many lines are not written, or not to their end. */
  countLines(): number {
    return this.line.written().reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 0);
  }

  /** @returns how much was written; 0 where that would have to wait, or the reader is gone. */
  #writeSome(bytes: Uint8Array): number {
    const { fd, mayBlock } = this.#stdout;
    if (mayBlock && !waitWritable(fd, 0)) return 0;
    try {
      return writeSync(fd, bytes, 0, mayBlock ? Math.min(bytes.length, PIPE_BUF) : bytes.length);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EPIPE") this.isClosed = true;
      else if (code !== "EAGAIN" && code !== "EINTR") {
        this.#failure = failed("stdout", `cannot write to stdout: ${String(error)}`, error);
      }
      return 0;
    }
  }
}

/** Writes a text to its end, however long its reader takes. */
export function print(text: string): void {
  const writer = new LineWriter();
  writer.line.utf8(text);
  writer.endLine();
  while (!writer.flush()) writer.wait(WAIT_MS);
}

/**
 * A pipe and a terminal are opened once more: O_NONBLOCK belongs to the open file, which is shared with other
 * processes that would not expect it. A socket cannot be opened so, and a file needs not.
 */
function openStdout(): { fd: number; mayBlock: boolean } {
  try {
    const kind = fstatSync(STDOUT);
    if (kind.isFile()) return { fd: STDOUT, mayBlock: false };
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return { fd: openSync(`/proc/self/fd/${STDOUT}`, flags), mayBlock: false };
  } catch {
    // No /proc, not ours to open, or not open at all, which the first write will tell.
    return { fd: STDOUT, mayBlock: true };
  }
}
