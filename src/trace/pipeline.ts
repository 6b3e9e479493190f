// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Moves events from the event buffer to the output: reads, filters, writes, and counts the fate of every event.
import type { EventBuffer } from "bun-libbpf";
import { readClocks } from "bun-libbpf/ffi";
import { type MineEvent, readEvent } from "../events/event.ts";
import { log } from "../log.ts";
import type { Output } from "../output/output.ts";
import type { RunContext } from "../output/record.ts";
import type { Config } from "./config.ts";
import { Recorder, runContext } from "./decode.ts";
import { isWanted } from "./filter.ts";
import { type Losses, type LossSource, readLosses } from "./losses.ts";
import { openOutput } from "./open-output.ts";

const LOSS_REPORT_MS = 1000;

export interface Source extends LossSource {
  buffer: EventBuffer;
  /** Name of the backend. */
  backend: string;
}

export class Tracer {
  readonly #config: Config;
  readonly #source: Source;
  readonly #recorder = new Recorder();
  readonly #context: RunContext;
  readonly #output: Output;
  /** Records of any content. */
  #received = 0;
  #seen = 0;
  #filtered = 0;
  #truncated = 0;
  /** Records that are not a valid event. */
  #unreadable = 0;
  /** Events that the output did not take in time. */
  #unwritten = 0;
  /** Lost and denied events in the last warning. */
  #reported = 0;
  #nextReportMs = 0;

  constructor(config: Config, source: Source) {
    this.#config = config;
    this.#source = source;
    this.#output = openOutput(config);
    this.#context = runContext(source.backend, config.time);
  }

  /** The limit of events is reached, or the reader of the output is gone. */
  get isDone(): boolean {
    return this.#seen >= this.#config.limits.events || this.#output.isClosed;
  }

  /** Events are read: the output takes records. */
  get isReading(): boolean {
    return !this.#output.isFull;
  }

  /** Every record is written. */
  get isWritten(): boolean {
    return this.#output.isWritten;
  }

  /** Bytes written to the output so far. */
  get writtenBytes(): number {
    return this.#output.writtenBytes;
  }

  /**
   * Reads all available events, and writes without waiting. While the output takes nothing, events stay in the
   * event buffer.
   * @returns the number of records.
   * @throws MineError if the output fails.
   */
  drain(): number {
    const { realtimeOffsetNs } = readClocks(); // each time: the wall clock can change
    const isEnough = (): boolean => this.isDone || this.#output.isFull;
    this.#output.flush();
    if (isEnough()) return 0;
    const records = this.#source.buffer.drain((view, at, size) => {
      this.#received += 1;
      const event = readEvent(view, at, size);
      if (event) this.#report(event, realtimeOffsetNs);
      else this.#unreadable += 1;
      return !isEnough();
    });
    this.#output.flush();
    return records;
  }

  #report(event: MineEvent, realtimeOffsetNs: bigint): void {
    const record = this.#recorder.record(event, realtimeOffsetNs);
    if (!isWanted(this.#config.filter, record)) {
      this.#filtered += 1;
      return;
    }
    this.#seen += 1;
    if (event.capturedLen < event.messageLen) this.#truncated += 1;
    this.#output.add(record, this.#context);
  }

  /** Waits at most timeoutMs: for the output if records are not written yet, else for events. */
  wait(timeoutMs: number): void {
    if (this.isWritten) this.#source.buffer.wait(timeoutMs);
    else this.#output.wait(timeoutMs);
  }

  /** Counts all events that are not written as lost. */
  giveUp(): void {
    const waiting = this.#output.countUnwritten();
    this.#seen -= waiting;
    this.#unwritten += waiting;
    this.#unwritten += this.#discard();
  }

  /** Warns of new lost or denied events, at most once a second. */
  reportLosses(): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextReportMs) return;
    this.#nextReportMs = nowMs + LOSS_REPORT_MS;
    const { total, text, denied, deniedText } = this.#losses();
    if (total + denied > this.#reported) log.warn(`events lost so far: ${text}${deniedText}`);
    this.#reported = total + denied;
  }

  /** Returns the counts so far, without the events that are still in the event buffer. */
  progress(): string {
    return this.#account(this.#losses());
  }

  /** Returns the counts of the whole run. Call it after the last event. */
  summary(): string {
    this.#discard(); // events beyond the limit
    return this.#account(this.#losses(this.#received));
  }

  #account(losses: Losses): string {
    const filtered = this.#filtered + this.#source.counters.read().filtered;
    const suffix = `${filtered > 0 ? `, ${filtered} filtered` : ""}${losses.deniedText}`;
    return `${this.#seen} events seen, ${losses.text} lost, ${this.#truncated} truncated${suffix}`;
  }

  /** Drops the rest of the event buffer. @returns the number of records. */
  #discard(): number {
    const records = this.#source.buffer.drain(() => true);
    this.#received += records;
    return records;
  }

  #losses(received?: number): Losses {
    return readLosses(this.#source, { unreadable: this.#unreadable, unwritten: this.#unwritten }, received);
  }
}
