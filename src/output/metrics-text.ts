// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes the counts of a run in the text format of Prometheus. No name that another program chooses is a label, so the
// number of time series has a limit.
import { type Command, commands } from "../ipset/message.ts";
import type { Outcome } from "../ipset/outcome.ts";
import type { Counts } from "./run-record.ts";

type Status = Outcome["status"];

const OTHER = "other";
const statuses: readonly Status[] = ["success", "failure", "unknown"];

/** Counts commands by name and outcome. */
export class CommandCounts {
  readonly #counts = new Map<string, number>();

  /** @param command undefined for a number that no known ipset has. */
  add(command: Command | undefined, status: Status): void {
    const key = `${command ?? OTHER} ${status}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  of(command: Command | typeof OTHER, status: Status): number {
    return this.#counts.get(`${command} ${status}`) ?? 0;
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
    ...family(
      "mine_events_total",
      "counter",
      "Recorded ipset commands.",
      [...commands, OTHER as typeof OTHER].flatMap((command) =>
        statuses.map((status): Sample => {
          const labels = { command: command.toLowerCase(), outcome: status };
          return [labels, metrics.commands.of(command, status)];
        }),
      ),
    ),
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
