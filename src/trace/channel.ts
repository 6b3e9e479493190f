// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// An output of the run, with the records about the run that wait for it.
// mine reads at the pace of its outputs: while one takes nothing, events wait in the event buffer. If there are several,
// a stalled one is skipped after a while, so that the others go on. It misses commands then, which are counted, and its
// next record says so.
import { log } from "../log.ts";
import type { Output } from "../output/output.ts";
import type { AuditRecord, RunContext } from "../output/record.ts";
import type { Counts, Start } from "../output/run-record.ts";
import type { SetList } from "./list-sets.ts";
import { RunRecords } from "./run-records.ts";

/** A stalled output is skipped after this time. */
const STALL_MS = 1000;

export class Channel {
  /** Commands that the output did not get. */
  missed = 0;
  /** Lost events when the output last got a record of them. */
  #reportedLost = 0;
  /** The output misses commands until it has taken everything before them. */
  isSkipped = false;
  readonly #output: Output;
  readonly #run = new RunRecords();
  /** Since when the output is full; undefined if it is not. */
  #fullSinceMs: number | undefined;
  #trouble: string | undefined;

  constructor(output: Output) {
    this.#output = output;
  }

  /** The output has no space, and mine waits for it. */
  get isFull(): boolean {
    return this.#output.isFull && !this.isSkipped;
  }

  /** Commands can follow: no record about the run waits before them. */
  get isReady(): boolean {
    return this.isSkipped || (this.#run.isEmpty && !this.#output.isFull);
  }

  get isWritten(): boolean {
    return this.#output.isWritten && this.#run.isEmpty;
  }

  get isClosed(): boolean {
    return this.#output.isClosed;
  }

  get writtenBytes(): number {
    return this.#output.writtenBytes;
  }

  add(record: AuditRecord, context: RunContext): void {
    if (this.isSkipped) this.missed += 1;
    else this.#output.add(record, context);
  }

  recordStart(facts: Omit<Start, "setRecords">, sets: SetList | undefined): void {
    if (this.#output.takesRun) this.#run.start(facts, sets);
  }

  /** @param countsOf returns the counts of the run for an output that missed this many commands. */
  recordLoss(countsOf: (missed: number) => Counts): void {
    const { lost } = countsOf(this.missed);
    if (lost > this.#reportedLost && this.#output.takesRun) this.#run.loss(() => countsOf(this.missed));
    this.#reportedLost = lost;
  }

  recordEnd(counts: Counts): void {
    if (this.#output.takesRun) this.#run.end(counts);
  }

  /**
   * Writes as much as possible without waiting.
   * @param isAlone there is no other output.
   * @throws MineError if the output fails.
   */
  flush(context: RunContext, isAlone: boolean): void {
    this.#output.flush();
    if (this.isSkipped && this.#output.isWritten) this.#goOn();
    if (!this.isSkipped) this.#run.writeTo(this.#output, context);
    this.#tellTrouble();
    if (!this.#output.isFull) this.#fullSinceMs = undefined;
    else this.#fullSinceMs ??= performance.now();
    if (!isAlone && this.isFull && performance.now() - (this.#fullSinceMs ?? 0) > STALL_MS) this.#skip();
  }

  #skip(): void {
    this.isSkipped = true;
    log.warn(`${this.#output.name} takes nothing: it misses commands from now on`);
  }

  #goOn(): void {
    this.isSkipped = false;
    log.warn(`${this.#output.name} takes commands again; it missed ${this.missed} so far`);
  }

  #tellTrouble(): void {
    const { name, trouble } = this.#output;
    if (trouble === this.#trouble) return;
    log.warn(trouble === undefined ? `${name} works again` : `${name}: ${trouble}`);
    this.#trouble = trouble;
  }

  wait(timeoutMs: number): void {
    this.#output.wait(timeoutMs);
  }

  reopen(): void {
    this.#output.reopen();
  }

  /** Counts the commands that are not written as missed. */
  giveUp(): void {
    this.#run.clear();
    this.missed += this.#output.countUnwritten();
  }
}
