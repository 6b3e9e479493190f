// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Moves events from the event buffer to the output: reads, filters, writes, and counts the fate of every event.
import type { EventBuffer } from "bun-libbpf";
import { readClocks } from "bun-libbpf/ffi";
import { type MineEvent, readEvent } from "../events/event.ts";
import type { FileKeeper } from "../host/file-keeper.ts";
import { log } from "../log.ts";
import { CommandCounts, metricsText } from "../output/metrics-text.ts";
import type { Output } from "../output/output.ts";
import type { AuditRecord, RunContext } from "../output/record.ts";
import type { Counts, Losses, Start } from "../output/run-record.ts";
import { countsText, deniedText, lossText } from "../output/run-text.ts";
import { Channel } from "./channel.ts";
import type { Config } from "./config.ts";
import { Recorder, runContext } from "./decode.ts";
import { isWanted } from "./filter.ts";
import type { SetList } from "./list-sets.ts";
import { type LossSource, readLosses } from "./losses.ts";

const LOSS_REPORT_MS = 1000;
/** Max wait for events while an output is skipped, which can take records again at any time. */
const SKIPPED_MS = 100;

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
  /** Outputs whose reader is not gone. */
  #channels: Channel[];
  /** Records of any content. */
  #received = 0;
  /** Commands that were read and wanted. */
  #read = 0;
  readonly #commands = new CommandCounts();
  #lastEventNs: bigint | undefined;
  #filtered = 0;
  #truncated = 0;
  /** Records that are not a valid event. */
  #unreadable = 0;
  /** Events that no output got, because the run ended before. */
  #unread = 0;
  /** Losses at the last look. */
  #reported: Pick<Losses, "lost" | "denied"> = { lost: 0, denied: 0 };
  #nextReportMs = 0;
  /** Sequence number of mine's own request for the sets, until its event has come. */
  #ownSequence: number | undefined;

  /** @param keeper reads the names of containers. */
  constructor(config: Config, source: Source, outputs: readonly Output[], keeper?: FileKeeper) {
    this.#config = config;
    this.#source = source;
    this.#channels = outputs.map((output) => new Channel(output));
    this.#context = runContext(source.backend, config, keeper);
  }

  /** The limit of events is reached, or the readers of all outputs are gone. */
  get isDone(): boolean {
    return this.#read >= this.#config.limits.events || this.#channels.every(({ isClosed }) => isClosed);
  }

  /** Events are read: the outputs take records. */
  get isReading(): boolean {
    return !this.#channels.some(({ isFull }) => isFull);
  }

  /** Every record is written. */
  get isWritten(): boolean {
    return this.#channels.every(({ isWritten }) => isWritten);
  }

  /** Bytes written to the outputs so far. */
  get writtenBytes(): number {
    return this.#channels.reduce((sum, { writtenBytes }) => sum + writtenBytes, 0);
  }

  /** Records the start, and the sets that are there. */
  recordStart(facts: Omit<Start, "setRecords">, sets: SetList | undefined): void {
    this.#ownSequence = sets?.sequence;
    for (const channel of this.#channels) channel.recordStart(facts, sets);
  }

  /** Records the counts of the whole run. Call it after the last event. */
  recordEnd(): void {
    this.#discard(); // events beyond the limit
    for (const channel of this.#channels) channel.recordEnd(this.#counts(channel.missed, this.#received));
  }

  /**
   * Reads all available events, and writes without waiting. While an output takes nothing, events stay in the event
   * buffer.
   * @returns the number of records.
   * @throws MineError if an output fails.
   */
  drain(): number {
    const { realtimeOffsetNs } = readClocks(); // each time: the wall clock can change
    const isEnough = (): boolean => this.isDone || !this.isReading;
    this.#flush();
    if (isEnough() || !this.#channels.every(({ isReady }) => isReady)) return 0;
    const records = this.#source.buffer.drain((view, at, size) => {
      this.#received += 1;
      const event = readEvent(view, at, size);
      if (event) this.#report(event, realtimeOffsetNs);
      else this.#unreadable += 1;
      return !isEnough();
    });
    this.#flush();
    return records;
  }

  #flush(): void {
    const { length } = this.#channels;
    for (const channel of this.#channels) channel.flush(this.#context, length === 1);
    const open = this.#channels.filter(({ isClosed }) => !isClosed);
    if (open.length > 0) this.#channels = open;
  }

  #report(event: MineEvent, realtimeOffsetNs: bigint): void {
    const record = this.#recorder.record(event, realtimeOffsetNs);
    if (this.#isOwn(record)) return;
    if (!isWanted(this.#config.filter, record)) {
      this.#filtered += 1;
      return;
    }
    this.#read += 1;
    this.#commands.add(record.message.commandNumber, record.outcome.status);
    this.#lastEventNs = record.timeNs;
    if (event.capturedLen < event.messageLen) this.#truncated += 1;
    for (const channel of this.#channels) channel.add(record, this.#context);
  }

  /** Returns whether it is mine's own request for the sets, which is no event for the user. */
  #isOwn({ message: { command, header } }: AuditRecord): boolean {
    if (command !== "LIST" || header?.sequence !== this.#ownSequence) return false;
    this.#ownSequence = undefined;
    return true;
  }

  /** Waits at most timeoutMs: for an output if its records are not written yet, else for events. */
  wait(timeoutMs: number): void {
    const unwritten = this.#channels.find(({ isWritten, isSkipped }) => !isWritten && !isSkipped);
    if (unwritten) unwritten.wait(this.#channels.length === 1 ? timeoutMs : Math.min(timeoutMs, SKIPPED_MS));
    else this.#source.buffer.wait(this.isWritten ? timeoutMs : Math.min(timeoutMs, SKIPPED_MS));
  }

  /** Opens the files of the outputs by their paths again. */
  reopen(): void {
    for (const channel of this.#channels) channel.reopen();
  }

  /** Counts all events that are not written as lost. */
  giveUp(): void {
    for (const channel of this.#channels) channel.giveUp();
    this.#unread += this.#discard();
  }

  /** Warns of new lost or denied events, at most once a second. */
  reportLosses(): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextReportMs) return;
    this.#nextReportMs = nowMs + LOSS_REPORT_MS;
    for (const channel of this.#channels) channel.recordLoss((missed) => this.#counts(missed));
    const losses = this.#counts(this.#missed);
    const { lost, denied } = losses;
    const earlier = this.#reported;
    this.#reported = losses;
    if (lost > earlier.lost || denied > earlier.denied) {
      log.warn(`events lost so far: ${lossText(losses)}${deniedText(losses)}`);
    }
  }

  /** Returns the counts so far, without the events that are still in the event buffer. */
  progress(): string {
    return countsText(this.#counts(this.#missed));
  }

  /** Returns the counts so far for Prometheus. @param version version of mine. */
  metrics(version: string): string {
    const { buffer, backend } = this.#source;
    return metricsText({
      ...{ version, backend, commands: this.#commands, lastEventNs: this.#lastEventNs },
      counts: this.#counts(this.#missed),
      bufferBytes: buffer.size.count * buffer.size.bytes,
    });
  }

  /** Returns the counts of the whole run. Call it after the last event. */
  summary(): string {
    this.#discard(); // events beyond the limit
    return countsText(this.#counts(this.#missed, this.#received));
  }

  /** Commands that the least complete output did not get. */
  get #missed(): number {
    return Math.max(...this.#channels.map(({ missed }) => missed));
  }

  /**
   * Returns the counts for an output.
   * @param missed number of commands that it did not get.
   * @param received number of records after the last one; undefined while more can arrive.
   */
  #counts(missed: number, received?: number): Counts {
    const here = { unreadable: this.#unreadable, unwritten: missed + this.#unread };
    const filtered = this.#filtered + this.#source.counters.read().filtered - this.#ownFiltered();
    return {
      ...readLosses(this.#source, here, received),
      ...{ seen: this.#read - missed, filtered, truncated: this.#truncated },
    };
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
}
