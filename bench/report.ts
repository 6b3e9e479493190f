// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reports the measurements as tables in Markdown, which a terminal shows as well.
import { type Quantity, type Results, type Spread, spread } from "./results.ts";
import type { Verdict } from "./targets.ts";

const rows: [quantity: Quantity, title: string][] = [
  ["startMs", "start to tracing, ms"],
  ["steadyMb", "resident while idle, MB"],
  ["peakMb", "resident at most, MB"],
  ["idlePercent", "processor while idle, %"],
  ["floodShown", "flood: ADDs shown"],
  ["cpuPerEventUs", "flood: processor per ADD shown, µs"],
  ["floodSenderMs", "flood: sender's processor time, ms"],
  ["floodElapsedMs", "flood: time until all were sent, ms"],
  ["restoreShown", "restore: shown"],
  ["restoreCpuMs", "restore: processor, ms"],
  ["restoreSenderMs", "restore: sender's processor time, ms"],
  ["restoreElapsedMs", "restore: time until done, ms"],
];

const compared: [quantity: Quantity, title: string][] = [
  ["startMs", "start to tracing"],
  ["peakMb", "resident at most"],
  ["cpuPerEventUs", "flood: processor per ADD shown"],
  ["floodSenderMs", "flood: sender's processor time"],
  ["restoreSenderMs", "restore: sender's processor time"],
];

/** Returns a table of the medians, with min and max where they print differently. */
export function measurements(results: Results): string {
  const tools = measured(results);
  return table([
    ["", ...tools],
    ...rows.map(([quantity, title]) => [
      title,
      ...tools.map((tool) => cell(spread(results, tool, quantity))),
    ]),
  ]);
}

/** Returns a table of every tool's medians, as multiples of one tool's. */
export function ratios(results: Results, to: string): string {
  const tools = measured(results).filter((tool) => tool !== to);
  return table([
    [`× ${to}`, ...tools],
    ...compared.map(([quantity, title]) => {
      const one = spread(results, to, quantity)?.median;
      return [
        title,
        ...tools.map((tool) => {
          const other = spread(results, tool, quantity)?.median;
          return one && other ? (other / one).toFixed(2) : "";
        }),
      ];
    }),
  ]);
}

export function failures(results: Results): string {
  return Object.entries(results)
    .filter(([, { failure }]) => failure !== undefined)
    .map(
      ([tool, { failure }]) =>
        `* ${tool} could not be measured: ${failure?.split("\n").slice(-2).join(" ").replaceAll(/ +/g, " ")}`,
    )
    .join("\n");
}

export function verdicts(now: Verdict[], before: Verdict[] | undefined): string {
  const judged = ({ found, met }: Verdict) =>
    met === undefined ? "not measured" : `${found}, ${met ? "met" : "**not met**"}`;
  return table([
    ["target", "this run", ...(before ? ["the run before"] : [])],
    ...now.map((verdict) => {
      const earlier = before?.find(({ promise }) => promise === verdict.promise);
      return [verdict.promise, judged(verdict), ...(earlier ? [judged(earlier)] : [])];
    }),
  ]);
}

function measured(results: Results): string[] {
  return Object.keys(results).filter((tool) => results[tool]?.failure === undefined);
}

function cell(value: Spread | undefined): string {
  if (!value) return "";
  const [median, least, most] = [value.median, value.least, value.most].map(short);
  return least === most ? `${median}` : `${median} (${least}–${most})`;
}

function short(value: number): string {
  if (Number.isInteger(value) || value >= 1000) return value.toFixed(0);
  return value >= 100 ? value.toFixed(1) : value.toPrecision(3);
}

function table(rows: string[][]): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (cells: string[]) =>
    `| ${cells.map((text, at) => text.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}
