// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Moves events from the event buffer to the output: reads, filters, writes, and counts the fate of every event.
import type { EventBuffer } from "bun-libbpf";
import { readClocks } from "bun-libbpf/ffi";
import { type MineEvent, readEvent } from "../events/event.ts";
import { log } from "../log.ts";
import { CommandCounts, metricsText } from "../output/metrics-text.ts";
import type { Output } from "../output/output.ts";
import type { AuditRecord, RunContext } from "../output/record.ts";
import type { Counts, Losses, Start } from "../output/run-record.ts";
import { countsText, deniedText, lossText } from "../output/run-text.ts";
import type { Config } from "./config.ts";
import { Recorder, runContext } from "./decode.ts";
import { isWanted } from "./filter.ts";
import type { SetList } from "./list-sets.ts";
import { type LossSource, readLosses } from "./losses.ts";
import { openOutput } from "./open-output.ts";
import { RunRecords } from "./run-records.ts";

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
  readonly #commands = new CommandCounts();
  #lastEventNs: bigint | undefined;
  #filtered = 0;
  #truncated = 0;
  /** Records that are not a valid event. */
  #unreadable = 0;
  /** Events that the output did not take in time. */
  #unwritten = 0;
  /** Losses at the last look. */
  #reported: Pick<Losses, "lost" | "denied"> = { lost: 0, denied: 0 };
  #nextReportMs = 0;
  readonly #run = new RunRecords();
  /** Sequence number of mine's own request for the sets, until its event has come. */
  #ownSequence: number | undefined;

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
    return this.#output.isWritten && this.#run.isEmpty;
  }

  /** Bytes written to the output so far. */
  get writtenBytes(): number {
    return this.#output.writtenBytes;
  }

  /** Records the start, and the sets that are there. */
  recordStart(facts: Omit<Start, "setRecords">, sets: SetList | undefined): void {
    this.#ownSequence = sets?.sequence;
    this.#run.start(facts, sets);
  }

  /** Records the counts of the whole run. Call it after the last event. */
  recordEnd(): void {
    this.#run.end(this.#final());
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
    this.#run.writeTo(this.#output, this.#context);
    if (!this.#run.isEmpty || isEnough()) return 0;
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
    if (this.#isOwn(record)) return;
    if (!isWanted(this.#config.filter, record)) {
      this.#filtered += 1;
      return;
    }
    this.#seen += 1;
    this.#commands.add(record.message.commandNumber, record.outcome.status);
    this.#lastEventNs = record.timeNs;
    if (event.capturedLen < event.messageLen) this.#truncated += 1;
    this.#output.add(record, this.#context);
  }

  /** Returns whether it is mine's own request for the sets, which is no event for the user. */
  #isOwn({ message: { command, header } }: AuditRecord): boolean {
    if (command !== "LIST" || header?.sequence !== this.#ownSequence) return false;
    this.#ownSequence = undefined;
    return true;
  }

  /** Waits at most timeoutMs: for the output if records are not written yet, else for events. */
  wait(timeoutMs: number): void {
    if (this.isWritten) this.#source.buffer.wait(timeoutMs);
    else this.#output.wait(timeoutMs);
  }

  /** Counts all events that are not written as lost. */
  giveUp(): void {
    this.#run.clear();
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
    const losses = this.#losses();
    const { lost, denied } = losses;
    const earlier = this.#reported;
    this.#reported = losses;
    if (lost > earlier.lost) this.#run.loss(() => this.#counts(this.#losses()));
    if (lost > earlier.lost || denied > earlier.denied) {
      log.warn(`events lost so far: ${lossText(losses)}${deniedText(losses)}`);
    }
  }

  /** Returns the counts so far, without the events that are still in the event buffer. */
  progress(): string {
    return countsText(this.#counts(this.#losses()));
  }

  /** Returns the counts so far for Prometheus. @param version version of mine. */
  metrics(version: string): string {
    const { buffer, backend } = this.#source;
    return metricsText({
      ...{ version, backend, commands: this.#commands, lastEventNs: this.#lastEventNs },
      counts: this.#counts(this.#losses()),
      bufferBytes: buffer.size.count * buffer.size.bytes,
    });
  }

  /** Returns the counts of the whole run. Call it after the last event. */
  summary(): string {
    return countsText(this.#final());
  }

  #final(): Counts {
    this.#discard(); // events beyond the limit
    return this.#counts(this.#losses(this.#received));
  }

  #counts(losses: Losses): Counts {
    const filtered = this.#filtered + this.#source.counters.read().filtered - this.#ownFiltered();
    return { ...losses, seen: this.#seen, filtered, truncated: this.#truncated };
  }

  /** Returns 1 if the BPF side has filtered mine's own request for the sets. */
  #ownFiltered(): number {
    const { commands, pid, uid } = this.#config.filter;
    const mayFilter = commands.has("LIST") && (pid !== undefined || uid !== undefined);
    return this.#ownSequence !== undefined && mayFilter ? 1 : 0;
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
