// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes lines to a target, one batch per write. A reader that closes its end is a normal end.
// A write to a pipe or terminal without a reader blocks the whole process, Ctrl-C included. So flush() never
// waits: unwritten bytes stay in the buffer, and the caller checks isFull.
import { fstatSync, writeSync } from "node:fs";
import { waitWritable } from "bun-libbpf/ffi";
import { failed, type MineError } from "../errors.ts";
import { ByteWriter } from "./byte-writer.ts";

/** Max buffered bytes before a write, so that a long drain does not use more memory. */
const FLUSH_LENGTH = 64 * 1024;
/** Bytes that a writable pipe accepts without blocking. */
const PIPE_BUF = 4096;
const NEWLINE = 0x0a;
/** Pause before the next attempt to write to a file that takes nothing. */
const WRITE_RETRY_MS = 1000;
/** Pause before the next attempt to open a file. The earlier one takes the lines meanwhile. */
const OPEN_RETRY_MS = 10_000;

/** The open file that takes the lines. */
export interface Target {
  fd: number;
  /** A write can wait for a reader. */
  mayBlock: boolean;
  /** Bytes of a regular file; undefined for another kind. */
  size: number | undefined;
}

/** Opens the file of the lines again. */
export interface Opener {
  /** Max bytes of a file; infinity for no limit. A longer line has a file of its own. */
  maxBytes: number;
  /**
   * Opens the file by its path, and closes the earlier one.
   * @param isFull the earlier file gets another name first.
   * @throws Error; the earlier file stays open.
   */
  open: (isFull: boolean) => Target;
}

export class LineWriter {
  /** For people. */
  readonly name: string;
  /** Buffer for lines; endLine() ends a line. */
  readonly line = new ByteWriter(FLUSH_LENGTH + PIPE_BUF);
  /** The reader has closed its end. */
  isClosed = false;
  writtenBytes = 0;
  /** The reason why a file takes nothing, or is not changed. A later attempt can succeed. */
  trouble: string | undefined;
  readonly #opener: Opener | undefined;
  #target: Target;
  /** The next byte begins a line. */
  #isLineStart = true;
  #mustReopen = false;
  /** No attempt before this time, in milliseconds. */
  #nextWriteMs = 0;
  #nextOpenMs = 0;
  #failure: MineError | undefined;

  constructor(name: string, target: Target, opener?: Opener) {
    this.name = name;
    this.#target = target;
    this.#opener = opener;
  }

  /** Ends a line. Never throws, because it runs inside a drain: the next flush() throws the error. */
  endLine(): void {
    this.line.byte(NEWLINE);
    if (this.isFull) this.#write();
  }

  /** The buffer is full: the caller adds no more lines. */
  get isFull(): boolean {
    return this.line.length >= FLUSH_LENGTH;
  }

  /**
   * Writes as much as possible without waiting.
   * @returns true if the buffer is empty.
   * @throws MineError if a write fails, unless the reader has closed its end, or a file can take more later.
   */
  flush(): boolean {
    this.#write();
    if (this.#failure) throw this.#failure;
    return this.line.length === 0;
  }

  /** Opens the file by its path again before the next line. */
  reopen(): void {
    this.#mustReopen = this.#opener !== undefined;
    this.#nextOpenMs = 0;
  }

  #write(): void {
    if (this.#nextWriteMs > 0 && performance.now() < this.#nextWriteMs) return;
    let written = 0;
    while (written < this.line.length && !this.isClosed && !this.#failure) {
      const count = this.#writeSome(this.#nextPiece(this.line.written(written)));
      if (count === 0) break;
      written += count;
    }
    this.writtenBytes += written;
    this.line.dropFirst(this.isClosed ? this.line.length : written);
  }

  /** Returns the bytes for the current file: whole lines, or the rest of one. Changes the file when its time has come. */
  #nextPiece(bytes: Uint8Array): Uint8Array {
    if (!this.#opener) return bytes;
    if (this.#mustReopen && this.#isLineStart && this.#open(this.#opener, false)) this.#mustReopen = false;
    const { maxBytes } = this.#opener;
    const space = maxBytes - (this.#target.size ?? 0);
    if (bytes.length <= space) return bytes;
    const fitting = space > 0 ? bytes.lastIndexOf(NEWLINE, space - 1) + 1 : 0;
    if (fitting > 0) return bytes.subarray(0, fitting);
    if (this.#isLineStart && !this.#isEmptied()) {
      return this.#open(this.#opener, true) ? this.#nextPiece(bytes) : bytes;
    }
    return bytes.subarray(0, bytes.indexOf(NEWLINE) + 1);
  }

  /** Returns whether the file has no bytes. Another program can have emptied it (logrotate's copytruncate). */
  #isEmptied(): boolean {
    this.#target.size = fstatSync(this.#target.fd).size;
    return this.#target.size === 0;
  }

  #open(opener: Opener, isFull: boolean): boolean {
    if (performance.now() < this.#nextOpenMs) return false;
    try {
      this.#target = opener.open(isFull);
      this.trouble = undefined;
      return true;
    } catch (error) {
      this.#nextOpenMs = performance.now() + OPEN_RETRY_MS;
      this.trouble = (error as Error).message;
      return false;
    }
  }

  /** Waits until the target is writable, at most timeoutMs. */
  wait(timeoutMs: number): void {
    const pauseMs = this.#nextWriteMs - performance.now();
    if (pauseMs > 0) Bun.sleepSync(Math.min(pauseMs, timeoutMs));
    else waitWritable(this.#target.fd, timeoutMs);
  }

  /** Returns the number of lines that are not completely written. */
  countLines(): number {
    return this.line.written().reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 0);
  }

  /** Returns the number of bytes written; 0 if the write would block or the reader is gone. */
  #writeSome(bytes: Uint8Array): number {
    const target = this.#target;
    const { fd, mayBlock } = target;
    if (mayBlock && !waitWritable(fd, 0)) return 0;
    try {
      const count = writeSync(fd, bytes, 0, mayBlock ? Math.min(bytes.length, PIPE_BUF) : bytes.length);
      this.#isLineStart = bytes[count - 1] === NEWLINE;
      if (target.size !== undefined) target.size += count;
      if (this.#nextWriteMs > 0) this.trouble = undefined;
      this.#nextWriteMs = 0;
      return count;
    } catch (error) {
      this.#setBack(error);
      return 0;
    }
  }

  /** Remembers why a write failed. */
  #setBack(error: unknown): void {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EPIPE") this.isClosed = true;
    else if (code === "EAGAIN" || code === "EINTR") return;
    else if (this.#target.size === undefined) {
      this.#failure = failed("stdout", `cannot write to ${this.name}: ${String(error)}`, error);
    } else {
      this.trouble = (error as Error).message;
      this.#nextWriteMs = performance.now() + WRITE_RETRY_MS;
    }
  }
}
