// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The interface of an output, and the one that writes lines.
import type { ByteWriter } from "./byte-writer.ts";
import type { LineWriter } from "./line-writer.ts";
import type { AuditRecord, RunContext } from "./record.ts";
import type { RunRecord, RunRecordWriter } from "./run-record.ts";

/** Takes records, and never waits. A record that the other side does not take stays here. */
export interface Output {
  /** For people. */
  readonly name: string;
  /** It takes records about the run. */
  readonly takesRun: boolean;
  /** No further record has space: the caller flushes first. */
  readonly isFull: boolean;
  /** Every record is written. */
  readonly isWritten: boolean;
  /** The reader has gone for good, which is a normal end. */
  readonly isClosed: boolean;
  /** Bytes written so far. */
  readonly writtenBytes: number;
  /** The reason why it takes nothing now, or does not change its file; undefined if it works. */
  readonly trouble: string | undefined;
  /** Adds a record. Never throws, because it runs inside a drain: the next flush() throws the error. */
  add: (record: AuditRecord, context: RunContext) => void;
  /** Adds a record about the run, if it takes those. Never throws, as add(). */
  addRun: (record: RunRecord, context: RunContext) => void;
  /** Writes as much as possible. @throws MineError if the output fails. */
  flush: () => void;
  /** Waits until the output takes something, at most timeoutMs. */
  wait: (timeoutMs: number) => void;
  /** Returns the number of commands that are not completely written. */
  countUnwritten: () => number;
  /** Opens its file by its path again, if it has one. */
  reopen: () => void;
}

/** The public part of a LineWriter. */
export type Lines = Pick<LineWriter, keyof LineWriter>;
export type RecordWriter = (out: ByteWriter, record: AuditRecord, context: RunContext) => void;

/** Writes each record as a line. */
export class LineOutput implements Output {
  readonly #lines: Lines;
  readonly #write: RecordWriter;
  readonly #writeRun: RunRecordWriter | undefined;
  /** Where the lines about the run end, in bytes from the start; those that are not written. */
  #runEnds: number[] = [];

  /** @param writeRun absent if the output has no records about the run. */
  constructor(lines: Lines, write: RecordWriter, writeRun?: RunRecordWriter) {
    this.#lines = lines;
    this.#write = write;
    this.#writeRun = writeRun;
  }

  get name(): string {
    return this.#lines.name;
  }

  get takesRun(): boolean {
    return this.#writeRun !== undefined;
  }

  get trouble(): string | undefined {
    return this.#lines.trouble;
  }

  get isFull(): boolean {
    return this.#lines.isFull;
  }

  get isWritten(): boolean {
    return this.#lines.line.length === 0;
  }

  get isClosed(): boolean {
    return this.#lines.isClosed;
  }

  get writtenBytes(): number {
    return this.#lines.writtenBytes;
  }

  add(record: AuditRecord, context: RunContext): void {
    this.#write(this.#lines.line, record, context);
    this.#lines.endLine();
  }

  addRun(record: RunRecord, context: RunContext): void {
    if (!this.#writeRun) return;
    this.#writeRun(this.#lines.line, record, context);
    const end = this.#lines.writtenBytes + this.#lines.line.length + 1;
    this.#lines.endLine();
    if ((this.#runEnds[0] ?? end) <= this.#lines.writtenBytes) this.#runEnds = this.#unwrittenRunEnds();
    this.#runEnds.push(end);
  }

  #unwrittenRunEnds(): number[] {
    return this.#runEnds.filter((end) => end > this.#lines.writtenBytes);
  }

  flush(): void {
    this.#lines.flush();
  }

  wait(timeoutMs: number): void {
    this.#lines.wait(timeoutMs);
  }

  reopen(): void {
    this.#lines.reopen();
  }

  countUnwritten(): number {
    return this.#lines.countLines() - this.#unwrittenRunEnds().length;
  }
}
