// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes the counts of a run in the text format of Prometheus. No name that another program chooses is a label, so the
// number of time series has a limit.
import { commands } from "../ipset/message.ts";
import type { Outcome } from "../ipset/outcome.ts";
import type { Counts } from "./run-record.ts";

type Status = Outcome["status"];

const names = [...commands.map((command) => command.toLowerCase()), "other"];
const statuses = ["success", "failure", "unknown"] as const satisfies Status[];

/** Counts commands by number and outcome. */
export class CommandCounts {
  /** A row for each name, with a number for each status. */
  readonly #counts = new Float64Array(names.length * statuses.length);

  add(commandNumber: number, status: Status): void {
    const row = Math.min(commandNumber, commands.length);
    const at = row * statuses.length + statuses.indexOf(status);
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Returns the labels and the count of each pair. */
  samples(): Sample[] {
    return [...this.#counts].map((count, at) => {
      const command = names[Math.floor(at / statuses.length)] ?? "";
      return [{ command, outcome: statuses[at % statuses.length] ?? "" }, count];
    });
  }
}

export interface Metrics {
  version: string;
  backend: string;
  /** Commands that were read and wanted. */
  commands: CommandCounts;
  counts: Counts;
  bufferBytes: number;
  /** Nanoseconds since 1970-01-01 UTC; undefined before the first command. */
  lastEventNs: bigint | undefined;
}

/** Returns the metrics, with a newline at the end. */
export function metricsText(metrics: Metrics): string {
  const { version, backend, counts, bufferBytes, lastEventNs } = metrics;
  return [
    ...family("mine_build_info", "gauge", "Version and backend of mine.", [[{ version, backend }, 1]]),
    ...family("mine_events_total", "counter", "Recorded ipset commands.", metrics.commands.samples()),
    ...family(
      "mine_events_lost_total",
      "counter",
      "Lost events by cause.",
      counts.causes.map(([cause, count]): Sample => [{ cause }, count]),
    ),
    ...family("mine_events_filtered_total", "counter", "Commands that the options exclude.", [
      [{}, counts.filtered],
    ]),
    ...family("mine_events_denied_total", "counter", "Denied commands that are neither shown nor lost.", [
      [{}, counts.denied],
    ]),
    ...family(
      "mine_events_truncated_total",
      "counter",
      "Commands whose message is not captured as a whole.",
      [[{}, counts.truncated]],
    ),
    ...family("mine_buffer_bytes", "gauge", "Size of the event buffer.", [[{}, bufferBytes]]),
    ...(lastEventNs === undefined
      ? []
      : family("mine_last_event_timestamp_seconds", "gauge", "Time of the last recorded command.", [
          [{}, Number(lastEventNs) / 1e9],
        ])),
    "",
  ].join("\n");
}

type Sample = [labels: Record<string, string>, value: number];

function family(name: string, type: "counter" | "gauge", help: string, samples: Sample[]): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}`),
  ];
}

function labelText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
}
