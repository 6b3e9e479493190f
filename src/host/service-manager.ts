// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reports the state of mine to the service manager that started it (sd_notify(3) of systemd).
import { CallError } from "bun-libbpf/errors";
import { readClocks } from "bun-libbpf/ffi";
import { log } from "../log.ts";
import { UnixSocket } from "./ffi/unix-socket.ts";

/** Settings from the service manager. */
export interface ServiceConfig {
  /** Path of its socket, or "@" and an abstract name; undefined if there is none. */
  socket: string | undefined;
  /** The service manager ends mine if it hears nothing in this time; infinity if it does not. */
  watchdogMs: number;
}

/** Pause between two states with new counts. */
const STATUS_MS = 5000;

export class ServiceManager implements Disposable {
  readonly #socket: UnixSocket | undefined;
  /** Half the time of the watchdog, as sd_watchdog_enabled(3) recommends. */
  readonly #aliveMs: number;
  #nextAliveMs = 0;
  #nextStatusMs = 0;
  #status = "";

  /** Connects to the service manager. Without one, each call does nothing. */
  constructor({ socket, watchdogMs }: ServiceConfig) {
    this.#aliveMs = watchdogMs / 2;
    if (socket === undefined) return;
    try {
      this.#socket = UnixSocket.connect(socket);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      log.warn(`the service manager does not hear from mine, ${socket}: ${error.message}`);
    }
  }

  /** Max milliseconds between two calls of report(). */
  get reportMs(): number {
    return this.#socket ? Math.min(this.#aliveMs, STATUS_MS) : Number.POSITIVE_INFINITY;
  }

  /** Reports that no command is missed from now on. */
  ready(): void {
    this.#send("READY=1");
  }

  /**
   * Reports the counts from time to time, and feeds the watchdog.
   * @param isReading whether mine reads events. A mine that its output stops does not feed the watchdog.
   * @param counts returns the counts so far.
   */
  report(isReading: boolean, counts: () => string): void {
    if (!this.#socket) return;
    const nowMs = performance.now();
    if (isReading && nowMs >= this.#nextAliveMs) {
      // A little earlier than the limit of the next call, which is the same.
      this.#nextAliveMs = nowMs + this.#aliveMs * 0.9;
      if (this.#aliveMs < Number.POSITIVE_INFINITY) this.#send("WATCHDOG=1");
    }
    if (nowMs < this.#nextStatusMs) return;
    this.#nextStatusMs = nowMs + STATUS_MS;
    const status = counts();
    if (status !== this.#status) this.#send(`STATUS=${status}`);
    this.#status = status;
  }

  /** Reports that mine opens its files again; ready() reports the end of that. */
  reloading(): void {
    const { monotonicNs } = readClocks();
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${monotonicNs / 1000n}`);
  }

  /** Reports that mine ends. */
  stopping(): void {
    this.#send("STOPPING=1");
  }

  #send(state: string): void {
    try {
      this.#socket?.send(Buffer.from(state));
    } catch (error) {
      // The service manager may be restarting, and reads the next state.
      if (!(error instanceof CallError)) throw error;
      log.decision(`the service manager did not take ${state}: ${error.message}`);
    }
  }

  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
  }
}
