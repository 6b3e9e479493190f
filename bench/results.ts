// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the files of measure.sh into measurements by tool.
import type { Sizes } from "./sizes.ts";

/** The measurements of one round of one tool. `none` lacks the optional ones, because no tool runs. */
export interface Measurement {
  /** Milliseconds from the tool's start to the first probe after which it missed none. */
  startMs?: number | undefined;
  idlePercent?: number | undefined;
  steadyMb?: number | undefined;
  peakMb?: number | undefined;
  /** Number of the flood's ADDs that the tool showed. */
  floodShown?: number | undefined;
  /** Number of the restore's elements that the tool showed; commands if it shows no elements. */
  restoreShown?: number | undefined;
  /** Processor time of the tool per ADD of the flood that it showed. */
  cpuPerEventUs?: number | undefined;
  restoreCpuMs?: number | undefined;
  /** Processor time of the sender; below, the elapsed time. */
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
  /** Why there are no rounds: stderr of the tool that could not start. */
  failure?: string;
}
export type Results = Record<string, ToolResult>;

type Files = ReadonlyMap<string, Buffer>;

/** @param at path in `files` of the directory BENCH_RESULTS of measure.sh. */
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

/** @returns when prober sent the first probe after which the tool missed none, in ns of CLOCK_MONOTONIC. */
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
