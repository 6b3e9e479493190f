// Audit ipset commands in the foreground until told to stop.
import { type MineEvent, readEvent } from "../events/event.ts";
import { readClocks } from "../ffi/libc.ts";
import { log } from "../log.ts";
import { formatJson } from "../output/json.ts";
import { formatText } from "../output/text.ts";
import type { Config } from "./config.ts";
import { LineWriter } from "./line-writer.ts";
import { readLosses } from "./losses.ts";
import { Recorder } from "./recorder.ts";
import { isWanted } from "./selection.ts";
import { openSession, type Session } from "./session.ts";

const WAIT_MS = 100;
const LOSS_REPORT_MS = 1000;

const formats = { text: formatText, json: formatJson };

export async function trace(config: Config): Promise<void> {
  if (config.verbose) log.setVerbose();
  log.info("Foreground mode...<Ctrl-C> or SIG_TERM to end it.");
  const stop = stopOnSignal();
  using session = openSession(config);
  const tracer = new Tracer(config, session);
  log.info("Tracing... Hit Ctrl-C to end.");

  const endMs = performance.now() + config.limits.seconds * 1000;
  while (!stop.requested && !tracer.isDone && performance.now() < endMs) {
    const records = tracer.drain();
    tracer.reportLosses();
    session.keepAttached();
    await nextTick(); // signals are delivered by the event loop
    if (records === 0) session.buffer.wait(WAIT_MS);
  }
  session.detach();
  while (!tracer.isDone && tracer.drain() > 0);
  log.info(tracer.summary());
}

class Tracer {
  readonly #config: Config;
  readonly #session: Session;
  readonly #recorder: Recorder;
  readonly #writer = new LineWriter();
  #seen = 0;
  #filtered = 0;
  #truncated = 0;
  #unreadable = 0;
  #reportedLosses = 0;
  #nextReportMs = 0;

  constructor(config: Config, session: Session) {
    this.#config = config;
    this.#session = session;
    this.#recorder = new Recorder(session.backend);
  }

  /** As many events were seen as were asked for, or nobody reads them any more. */
  get isDone(): boolean {
    return this.#seen >= this.#config.limits.events || this.#writer.isClosed;
  }

  /** @returns how many records were there. */
  drain(): number {
    const { realtimeOffsetNs } = readClocks(); // anew each time: the wall clock may be set
    const records = this.#session.buffer.drain((view, at, size) => {
      const event = readEvent(view, at, size);
      if (event) this.#report(event, realtimeOffsetNs);
      else this.#unreadable += 1;
    });
    this.#writer.flush();
    return records;
  }

  #report(event: MineEvent, realtimeOffsetNs: bigint): void {
    if (this.isDone) return;
    const record = this.#recorder.record(event, realtimeOffsetNs);
    if (!isWanted(this.#config.filter, record)) {
      this.#filtered += 1;
      return;
    }
    this.#seen += 1;
    if (event.capturedLen < event.messageLen) this.#truncated += 1;
    this.#writer.write(formats[this.#config.output](record));
  }

  /** Says, at most once a second, that more was lost. */
  reportLosses(): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextReportMs) return;
    this.#nextReportMs = nowMs + LOSS_REPORT_MS;
    const { total, text } = this.#losses();
    if (total > this.#reportedLosses) log.warn(`events lost so far: ${text}`);
    this.#reportedLosses = total;
  }

  summary(): string {
    const filtered = this.#filtered + this.#session.counters.read().filtered;
    const suffix = filtered > 0 ? `, ${filtered} filtered` : "";
    return `${this.#seen} events seen, ${this.#losses().text} lost, ${this.#truncated} truncated${suffix}`;
  }

  #losses() {
    return readLosses(this.#session.counters, this.#session.buffer, this.#unreadable);
  }
}

function stopOnSignal(): { requested: boolean } {
  const stop = { requested: false };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      stop.requested = true;
    });
  }
  return stop;
}

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
