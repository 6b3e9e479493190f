// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Serves the metrics of a run over HTTP, for Prometheus.
import { lstatSync, rmSync } from "node:fs";
import { CallError } from "bun-libbpf/errors";
import { unsupported } from "../errors.ts";
import { UnixSocket } from "../host/ffi/unix-socket.ts";

/** Address of the metrics. */
export type MetricsAddress = { unix: string } | { hostname: string; port: number };

/** Seconds after which a client that sends or reads nothing is dropped. */
const IDLE_SECONDS = 10;
const TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Listens, and answers GET /metrics.
 * @param text returns the metrics.
 * @throws MineError if the address cannot be used.
 */
export function serveMetrics(address: MetricsAddress, text: () => string): Disposable {
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
    return { [Symbol.dispose]: () => void server.stop(true) };
  } catch (error) {
    throw unsupported("no-metrics", `cannot serve metrics at ${where}: ${(error as Error).message}`, error);
  }
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
