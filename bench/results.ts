// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// From the files that measure.sh leaves to numbers by tool, each the median of the rounds.
import type { Sizes } from "./sizes.ts";

/** Results of one round of one tool; undefined is what `none` has not, because nobody watches. */
export interface Measurement {
  /** From its start to the first probe after which none was missed. */
  startMs?: number | undefined;
  idlePercent?: number | undefined;
  steadyMb?: number | undefined;
  peakMb?: number | undefined;
  /** ADDs of the flood that it showed, of those that were sent. */
  floodShown?: number | undefined;
  /** Elements of the restore that it showed; of a tool that shows no elements, commands. */
  restoreShown?: number | undefined;
  /** Processor time of the tool for each ADD of the flood that it showed. */
  cpuPerEventUs?: number | undefined;
  restoreCpuMs?: number | undefined;
  /** The sender's processor time, and the time that it took. */
  floodSenderMs: number;
  floodElapsedMs: number;
  restoreSenderMs: number;
  restoreElapsedMs: number;
}
export type Quantity = keyof Measurement;

export interface Spread {
  median: number;
  least: number;
  most: number;
}
export interface ToolResult {
  rounds: Measurement[];
  /** Why there are no rounds: what the tool said when it could not start. */
  failure?: string;
}
export type Results = Record<string, ToolResult>;

type Files = ReadonlyMap<string, Buffer>;

/** @param at path in `files` of what measure.sh was given as BENCH_RESULTS. */
export function readResults(files: Files, at: string, tools: readonly string[], sizes: Sizes): Results {
  return Object.fromEntries(
    tools.map((tool): [string, ToolResult] => {
      const paths = Array.from({ length: sizes.rounds }, (_, round) => `${at}/${round + 1}/${tool}`);
      const failed = paths.find((path) => !files.has(`${path}/numbers`));
      if (!failed) return [tool, { rounds: paths.map((path) => readMeasurement(files, path, sizes)) }];
      return [tool, { rounds: [], failure: text(files, `${failed}/stderr`).trim() }];
    }),
  );
}

export function spread(results: Results, tool: string, quantity: Quantity): Spread | undefined {
  const values = (results[tool]?.rounds ?? []).map((round) => round[quantity]);
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return undefined;
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle - 1)] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
  return { median, least, most };
}

function readMeasurement(files: Files, path: string, { idleSeconds }: Sizes): Measurement {
  const lines = text(files, `${path}/numbers`).trim().split("\n");
  const numbers = new Map(lines.map((line) => line.split(" ") as [string, string]));
  const of = (name: string, unit = 1): number => {
    const value = numbers.get(name);
    if (value === undefined) throw new Error(`${path} has no ${name}: measure.sh ended early`);
    return Number(value) / unit;
  };
  const sender = {
    floodSenderMs: of("flood_sender_ns", 1e6),
    floodElapsedMs: of("flood_elapsed_ns", 1e6),
    restoreSenderMs: of("restore_sender_ns", 1e6),
    restoreElapsedMs: of("restore_elapsed_ns", 1e6),
  };
  if (!numbers.has("start_ns")) return sender;
  return {
    ...sender,
    startMs: (firstOfAll(text(files, `${path}/sent`), text(files, `${path}/seen`)) - of("start_ns")) / 1e6,
    idlePercent: of("idle_cpu_ns", 1e7) / idleSeconds,
    steadyMb: of("steady_kib", 1024),
    peakMb: of("peak_kib", 1024),
    floodShown: of("flood_shown"),
    restoreShown: of("restore_shown"),
    cpuPerEventUs: of("flood_cpu_ns", 1000) / of("flood_shown"),
    restoreCpuMs: of("restore_cpu_ns", 1e6),
  };
}

/** @returns when the first probe was sent after which none was missed, in ns. */
function firstOfAll(sent: string, seen: string): number {
  const shown = new Set(seen.trim().split("\n"));
  const probes = sent
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
  const lastMissed = probes.findLastIndex(([number = ""]) => !shown.has(number));
  const first = probes[lastMissed + 1]?.[1];
  if (first === undefined) throw new Error("a tool missed the last probe that was sent");
  return Number(first);
}

function text(files: Files, path: string): string {
  return files.get(path)?.toString() ?? "";
}
