// Audit ipset commands in the foreground until told to stop.
import { accountableUid, type MineEvent, readEvent } from "../events/event.ts";
import { readClocks } from "../ffi/libc.ts";
import { log } from "../log.ts";
import { readIpsetMessage } from "../netlink/ipset-message.ts";
import { readOutcome } from "../netlink/ipset-result.ts";
import { formatText } from "../output/text.ts";
import type { Config } from "./config.ts";
import { LineWriter } from "./line-writer.ts";
import { readLosses } from "./losses.ts";
import { openSession, type Session } from "./session.ts";
import { UserNames } from "./user-names.ts";

const WAIT_MS = 100;
const LOSS_REPORT_MS = 1000;

export async function trace(config: Config): Promise<void> {
  if (config.verbose) log.setVerbose();
  log.info("Foreground mode...<Ctrl-C> or SIG_TERM to end it.");
  const stop = stopOnSignal();
  using session = openSession(config);
  const tracer = new Tracer(session);
  log.info("Tracing... Hit Ctrl-C to end.");

  while (!stop.requested && !tracer.isReaderGone) {
    const records = tracer.drain();
    tracer.reportLosses();
    await nextTick(); // signals are delivered by the event loop
    if (records === 0) session.buffer.wait(WAIT_MS);
  }
  session.detach();
  while (!tracer.isReaderGone && tracer.drain() > 0);
  log.info(tracer.summary());
}

class Tracer {
  readonly #session: Session;
  readonly #writer = new LineWriter();
  readonly #users = new UserNames();
  #seen = 0;
  #truncated = 0;
  #unreadable = 0;
  #reportedLosses = 0;
  #nextReportMs = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  get isReaderGone(): boolean {
    return this.#writer.isClosed;
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
    const isWhole = event.capturedLen === event.messageLen;
    const message = readIpsetMessage(event.message, isWhole);
    const uid = accountableUid(event);
    this.#seen += 1;
    if (!isWhole) this.#truncated += 1;
    this.#writer.write(
      formatText({
        event,
        message,
        outcome: readOutcome(message.command, event.result),
        time: new Date(Number((event.tsNs + realtimeOffsetNs) / 1_000_000n)),
        uid,
        userName: this.#users.of(uid),
      }),
    );
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
    return `${this.#seen} events seen, ${this.#losses().text} lost, ${this.#truncated} truncated`;
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
