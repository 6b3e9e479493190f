// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The targets of mine with default settings, and whether a run met them.
import { type Quantity, type Results, spread } from "./results.ts";
import type { Sizes } from "./sizes.ts";

export interface Verdict {
  promise: string;
  found: string;
  /** Undefined if the run did not measure it. */
  met: boolean | undefined;
}

const reference = "c-plain";

export function judge(results: Results, sizes: Sizes): Verdict[] {
  const of = (tool: string, quantity: Quantity) => spread(results, tool, quantity)?.median;
  const least = (tool: string, quantity: Quantity) => spread(results, tool, quantity)?.least;
  const most = (tool: string, quantity: Quantity) => spread(results, tool, quantity)?.most;
  const ratio = (a: number | undefined, b: number | undefined) => (a && b ? a / b : undefined);
  const against = (tool: string, quantity: Quantity) => ratio(of("mine", quantity), of(tool, quantity));
  /** Milliseconds by which the sender is slower than without a tool. */
  const slowdown = (tool: string) => {
    const [watched, alone] = [of(tool, "floodSenderMs"), of("none", "floodSenderMs")];
    return watched !== undefined && alone !== undefined ? watched - alone : undefined;
  };

  const restoreMs = of("mine", "restoreCpuMs");
  const perElementUs = restoreMs === undefined ? undefined : (restoreMs * 1000) / sizes.restore;

  const all = (what: string, shown: number | undefined, caused: number): Verdict => ({
    promise: `all of ${caused} ${what}`,
    found: shown === undefined ? "" : `${shown} in the worst round`,
    met: shown === undefined ? undefined : shown === caused,
  });
  const atMost = (promise: string, found: number | undefined, limit: number, unit: string): Verdict => ({
    promise: `${promise} ≤ ${limit}${unit}`,
    found: found === undefined ? "" : `${found.toPrecision(3)}${unit}`,
    met: found === undefined ? undefined : found <= limit,
  });

  return [
    all("single ADDs shown", least("mine", "floodShown"), sizes.adds),
    all("elements of `ipset restore` shown", least("mine", "restoreShown"), sizes.restore),
    atMost("sender's slowdown, to the C reference's", ratio(slowdown("mine"), slowdown(reference)), 1, " ×"),
    atMost("sender's slowdown, to bpftrace's", ratio(slowdown("mine"), slowdown("bpftrace")), 1, " ×"),
    atMost(
      "sender's slowdown by fexit, to that by kprobe",
      ratio(slowdown("mine-fexit"), slowdown("mine-kprobe")),
      0.8,
      " ×",
    ),
    atMost(
      "sender's slowdown by tracepoint, to the C reference's",
      ratio(slowdown("mine-tracepoint"), slowdown(reference)),
      1,
      " ×",
    ),
    atMost("start to tracing, to the C reference's", against(reference, "startMs"), 1, " ×"),
    atMost("start to tracing, to bpftrace's", against("bpftrace", "startMs"), 0.2, " ×"),
    atMost("processor time per event, to the C reference's", against(reference, "cpuPerEventUs"), 1, " ×"),
    atMost("processor time per event, to c-tuned's", against("c-tuned", "cpuPerEventUs"), 1.5, " ×"),
    atMost("processor time per element of `ipset restore`", perElementUs, 4, " µs"),
    atMost("peak memory", most("mine", "peakMb"), 40, " MB"),
    atMost("peak memory, to bpftrace's", against("bpftrace", "peakMb"), 0.5, " ×"),
    atMost("idle processor time", of("mine", "idlePercent"), 0.1, " %"),
  ];
}
