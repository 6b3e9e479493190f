// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Serves the metrics of a run over HTTP, for Prometheus, or writes them to a file for its node_exporter.
import { lstatSync, rmSync } from "node:fs";
import { CallError } from "bun-libbpf/errors";
import { unsupported } from "../errors.ts";
import { UnixSocket } from "../host/ffi/unix-socket.ts";
import { log } from "../log.ts";

/** Address of a server of the metrics. */
type ServerAddress = { unix: string } | { hostname: string; port: number };

/** Place of the metrics. */
export type MetricsPlace = ServerAddress | { file: string };

/** A client can ask at any time: max milliseconds between two turns of the event loop, which answers it. */
const CLIENT_MS = 100;
/** Milliseconds between two versions of a file. Prometheus asks the node_exporter each 15 seconds by default. */
const FILE_MS = 10_000;

export interface Metrics extends Disposable {
  /** Max milliseconds between two calls of update(). */
  updateMs: number;
  /** Writes the file if its time has come. */
  update: () => void;
}

/** Seconds after which a client that sends or reads nothing is dropped. */
const IDLE_SECONDS = 10;
const TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Offers the metrics at a place.
 * @param replace replaces the content of a file. It throws an Error.
 * @param text returns the metrics.
 * @throws MineError if the place cannot be used.
 */
export const offerMetrics = (
  place: MetricsPlace,
  replace: (text: string) => void,
  text: () => string,
): Metrics => ("file" in place ? writeMetrics(place.file, () => replace(text())) : serveMetrics(place, text));

/** Listens, and answers GET /metrics. */
function serveMetrics(address: ServerAddress, text: () => string): Metrics {
  const where = "unix" in address ? address.unix : `${address.hostname}:${address.port}`;
  if ("unix" in address) removeStale(address.unix);
  const handlers = {
    development: false,
    maxRequestBodySize: 0,
    fetch: ({ method, url }: Request) => {
      if (new URL(url).pathname !== "/metrics") return new Response("see /metrics\n", { status: 404 });
      if (method !== "GET" && method !== "HEAD") return new Response("", { status: 405 });
      return new Response(text(), { headers: { "Content-Type": TYPE } });
    },
  } as const;
  try {
    const server =
      "unix" in address
        ? Bun.serve({ ...handlers, unix: address.unix })
        : Bun.serve({ ...handlers, ...address, idleTimeout: IDLE_SECONDS });
    return { updateMs: CLIENT_MS, update: () => {}, [Symbol.dispose]: () => void server.stop(true) };
  } catch (error) {
    throw unsupported("no-metrics", `cannot serve metrics at ${where}: ${(error as Error).message}`, error);
  }
}

/** Writes the metrics to a file now, from time to time, and at the end. */
function writeMetrics(path: string, write: () => void): Metrics {
  const cannot = (error: unknown) => `cannot write metrics to ${path}: ${(error as Error).message}`;
  let nextMs = performance.now() + FILE_MS;
  let hasFailed = false;
  const writeAgain = (): void => {
    try {
      write();
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) log.warn(cannot(error));
      hasFailed = true;
    }
  };
  try {
    write();
  } catch (error) {
    throw unsupported("cannot-write", cannot(error), error);
  }
  return {
    updateMs: FILE_MS,
    update: () => {
      if (performance.now() < nextMs) return;
      nextMs = performance.now() + FILE_MS;
      writeAgain();
    },
    [Symbol.dispose]: writeAgain,
  };
}

/** Removes a socket without a listener. A killed mine leaves one. */
function removeStale(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  try {
    // A datagram socket cannot connect to a server's socket: EPROTOTYPE.
    UnixSocket.connect(path)[Symbol.dispose]();
  } catch (error) {
    if (error instanceof CallError && error.code === "ECONNREFUSED") rmSync(path, { force: true });
  }
}
