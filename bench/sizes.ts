// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The sizes and the machine of a measurement, from the environment, which `make bench NAME=VALUE` sets too.

const { env } = process;
const { BENCH_SUITE: suite = "bookworm", BENCH_SERIES: series = "6.1" } = env;

export const sizes = {
  suite,
  series,
  rounds: number("BENCH_ROUNDS", 5),
  /** Single ADDs of the flood. */
  adds: number("BENCH_ADDS", 200_000),
  /** Elements of the `ipset restore`. */
  restore: number("BENCH_RESTORE", 100_000),
  idleSeconds: number("BENCH_IDLE", 30),
  /** Processors of the machine. */
  processors: number("BENCH_PROCESSORS", 1),
  /** Whether the machine's clock counts instructions. With 0 its time is that of the emulator, or real with KVM. */
  countsInstructions: number("BENCH_ICOUNT", 1) === 1,
} as const;
export type Sizes = typeof sizes;

/** Whether all sizes are the defaults; docs/benchmarks.md is for these alone. */
export const areUsual = !Object.keys(env).some((name) => name.startsWith("BENCH_"));

function number(name: string, usual: number): number {
  const text = env[name] ?? String(usual);
  if (!/^\d+$/.test(text)) throw new Error(`${name}=${text} is not a whole number`);
  return Number(text);
}
