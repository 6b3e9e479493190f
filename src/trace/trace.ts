// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Audits ipset commands in the foreground until a signal or a limit.
import { release } from "node:os";
import { MineError } from "../errors.ts";
import { ProgramPages } from "../host/memory.ts";
import { comeBeforeOthers } from "../host/priority.ts";
import { ServiceManager } from "../host/service-manager.ts";
import { bootId } from "../host/sysfs.ts";
import { log } from "../log.ts";
import type { Config } from "./config.ts";
import { listSets } from "./list-sets.ts";
import { type Metrics, offerMetrics } from "./metrics.ts";
import { openOutputs, startKeeper } from "./open-outputs.ts";
import { Tracer } from "./pipeline.ts";
import { openSession, type Session } from "./session.ts";
import { countSignals, type Signals } from "./signals.ts";

/** Max wait. Events and signals end it at once; other checks can be this late. */
const WAIT_MS = 2000;
/** Pause between batches while events arrive: a wakeup costs more than an event. */
const BATCH_MS = 2;
/** Max wait at the end for a reader of stdout that takes no bytes. */
const PATIENCE_MS = 1000;

/** @param mineVersion version of mine, for its record. */
export async function trace(config: Config, mineVersion: string): Promise<void> {
  if (config.verbose) log.setVerbose();
  log.info("Foreground mode...<Ctrl-C> or SIG_TERM to end it.");
  const signals = countSignals(config.service.socket !== undefined);
  const pages = new ProgramPages();
  pages.drop(); // memory that only the start needs; again after the next step
  comeBeforeOthers();
  using manager = new ServiceManager(config.service);
  await using keeper = startKeeper(config);
  const outputs = openOutputs(config, keeper);
  using session = openSession(config);
  const tracer = new Tracer(config, session, outputs, keeper);
  if (outputs.some(({ takesRun }) => takesRun)) {
    const facts = { version: mineVersion, options: process.argv.slice(2), pid: process.pid };
    tracer.recordStart({ ...facts, kernel: release(), bootId: bootId() }, listSets(config.snapshot));
  }
  const toFile = (text: string): void => keeper?.writeMetrics(text);
  using metrics = config.metrics && offerMetrics(config.metrics, toFile, () => tracer.metrics(mineVersion));
  for (const given of session.confine()) log.decision(`confined: ${given}`);
  pages.drop();
  log.info("Tracing... Hit Ctrl-C to end.");
  manager.ready();

  try {
    await follow(config, { session, tracer, pages, signals, manager, metrics });
    manager.stopping();
    session.detach();
    if (await finish(tracer, signals)) {
      tracer.recordEnd();
      await finish(tracer, signals);
    }
  } catch (error) {
    if (!(error instanceof MineError)) throw error;
    // stdout failed. The summary still reports the events that are lost by that.
    session.detach();
    tracer.giveUp();
    log.info(tracer.summary());
    throw error;
  }
  log.info(tracer.summary());
}

interface Running {
  session: Session;
  tracer: Tracer;
  pages: ProgramPages;
  signals: Signals;
  manager: ServiceManager;
  metrics: Metrics | undefined;
}

/** Writes events until a signal or a limit. */
async function follow({ limits }: Config, running: Running): Promise<void> {
  const { session, tracer, pages, signals, manager, metrics } = running;
  const waitMs = Math.min(WAIT_MS, metrics?.updateMs ?? WAIT_MS, manager.reportMs);
  const endMs = performance.now() + limits.seconds * 1000;
  while (signals.stops === 0 && !tracer.isDone && performance.now() < endMs) {
    const records = tracer.drain();
    tracer.reportLosses();
    manager.report(tracer.isReading, () => tracer.progress());
    metrics?.update();
    if (records > 0) pages.dropIfMany();
    session.keepAttached();
    // The event loop delivers signals, so they are checked right before a wait: an earlier signal does not end the
    // wait.
    await pause(records > 0 ? BATCH_MS : 0);
    for (; signals.questions > 0; signals.questions--) log.info(tracer.progress());
    if (signals.reloads > 0) reload(running);
    if (records > 0 || signals.stops > 0) continue;
    tracer.wait(Math.max(Math.min(waitMs, endMs - performance.now()), 0));
  }
}

/** Opens the files of the outputs again, which another program has renamed. */
function reload({ signals, manager, tracer }: Running): void {
  signals.reloads = 0;
  manager.reloading();
  tracer.reopen();
  tracer.drain();
  manager.ready();
}

/**
 * Writes the remaining records while the output takes them. Another signal ends this.
 * @returns false if it did not take all.
 */
async function finish(tracer: Tracer, signals: Signals): Promise<boolean> {
  const { stops } = signals;
  let { writtenBytes } = tracer;
  let endMs = performance.now() + PATIENCE_MS;
  while (tracer.drain() > 0 || !tracer.isWritten) {
    if (tracer.writtenBytes > writtenBytes) {
      writtenBytes = tracer.writtenBytes;
      endMs = performance.now() + PATIENCE_MS;
    } else if (performance.now() > endMs || signals.stops > stops) {
      tracer.giveUp();
      return false;
    }
    if (!tracer.isWritten) tracer.wait(PATIENCE_MS / 10);
    await pause(0);
  }
  return true;
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => (ms > 0 ? setTimeout(resolve, ms) : setImmediate(resolve)));
