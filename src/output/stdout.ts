// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes lines to stdout, one batch per write. A reader that closes its end is a normal end.
// A write to a pipe or terminal without a reader blocks the whole process, Ctrl-C included. So flush() never
// waits: unwritten bytes stay in the buffer, and the caller checks isFull.
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { isTerminal, waitWritable } from "bun-libbpf/ffi";
import { failed, type MineError } from "../errors.ts";
import { ByteWriter } from "./byte-writer.ts";

const STDOUT = 1;
/** Max buffered bytes before a write, so that a long drain does not use more memory. */
const FLUSH_LENGTH = 64 * 1024;
/** Bytes that a writable pipe accepts without blocking. */
const PIPE_BUF = 4096;
const NEWLINE = 0x0a;
const WAIT_MS = 100;

export class LineWriter {
  /** Buffer for lines; endLine() ends a line. */
  readonly line = new ByteWriter(FLUSH_LENGTH + PIPE_BUF);
  /** The reader has closed its end. */
  isClosed = false;
  writtenBytes = 0;
  readonly #stdout = openStdout();
  #failure: MineError | undefined;

  /** Ends a line. Never throws, because it runs inside a drain: the next flush() throws the error. */
  endLine(): void {
    this.line.byte(NEWLINE);
    if (this.isFull) this.#write();
  }

  /** stdout is a terminal. */
  get isTerminal(): boolean {
    return isTerminal(this.#stdout.fd);
  }

  /** The buffer is full: the caller adds no more lines. */
  get isFull(): boolean {
    return this.line.length >= FLUSH_LENGTH;
  }

  /**
   * Writes as much as possible without waiting.
   * @returns true if the buffer is empty.
   * @throws MineError if a write fails, unless the reader has closed its end.
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

  /** Waits until stdout is writable, at most timeoutMs. */
  wait(timeoutMs: number): void {
    waitWritable(this.#stdout.fd, timeoutMs);
  }

  /** Returns the number of lines that are not completely written. */
  countLines(): number {
    return this.line.written().reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 0);
  }

  /** Returns the number of bytes written; 0 if the write would block or the reader is gone. */
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

/** Writes a whole text, and waits for its reader without a limit. */
export function print(text: string): void {
  const writer = new LineWriter();
  writer.line.utf8(text);
  writer.endLine();
  while (!writer.flush()) writer.wait(WAIT_MS);
}

/**
 * Opens a pipe or a terminal again with O_NONBLOCK. The flag belongs to the open file, and other processes share
 * stdout and do not expect it. A socket cannot be opened again, and a file does not block.
 */
function openStdout(): { fd: number; mayBlock: boolean } {
  try {
    const kind = fstatSync(STDOUT);
    if (kind.isFile()) {
      endHalfLine(kind.size);
      return { fd: STDOUT, mayBlock: false };
    }
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    return { fd: openSync(`/proc/self/fd/${STDOUT}`, flags), mayBlock: false };
  } catch {
    // /proc is missing, access is denied, or stdout is closed. The first write reports a closed stdout.
    return { fd: STDOUT, mayBlock: true };
  }
}

/** Ends a line that an earlier process left half written in a file, if new lines are appended. @param size bytes. */
function endHalfLine(size: number): void {
  if (size === 0 || !isAppended()) return;
  const last = new Uint8Array(1);
  try {
    const file = openSync(`/proc/self/fd/${STDOUT}`, constants.O_RDONLY);
    try {
      readSync(file, last, 0, 1, size - 1);
    } finally {
      closeSync(file);
    }
    if (last[0] !== NEWLINE) writeSync(STDOUT, "\n");
  } catch {
    // The file may not be readable, and the first write of a line reports a full disk.
  }
}

function isAppended(): boolean {
  try {
    const [, flags = "0"] =
      /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${STDOUT}`, "utf8")) ?? [];
    return (Number.parseInt(flags, 8) & constants.O_APPEND) !== 0;
  } catch {
    return false; // /proc is missing
  }
}
