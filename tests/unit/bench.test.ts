// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The benchmark itself: its programs compile, and it computes the right numbers from a run's files.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { readResults, spread } from "../../bench/results.ts";
import type { Sizes } from "../../bench/sizes.ts";
import { judge } from "../../bench/targets.ts";
import { root } from "../support/compile.ts";

const sizes: Sizes = {
  suite: "bookworm",
  series: "6.1",
  rounds: 3,
  adds: 100,
  restore: 50,
  idleSeconds: 10,
  processors: 1,
  countsInstructions: true,
};

const sender =
  "flood_sender_ns 5000000\nflood_elapsed_ns 6000000\nrestore_sender_ns 1000000\nrestore_elapsed_ns 2000000\n";

/** Returns the files that measure.sh writes in one round. The prober sends probes 0 to 9 at 10, 20, ... 100 ms. */
function roundOf(tool: string, round: number, seen: number[], shown: number): [string, Buffer][] {
  const numbers = `start_ns 15000000
idle_cpu_ns 10000000
steady_kib 1024
flood_cpu_ns 400000
restore_cpu_ns 3000000
peak_kib ${2048 * round}
flood_shown ${shown}
restore_shown 50
${sender}`;
  const sent = Array.from({ length: 10 }, (_, probe) => `${probe} ${(probe + 1) * 10_000_000}`);
  const file = (name: string, text: string): [string, Buffer] => [
    `bench/${round}/${tool}/${name}`,
    Buffer.from(text),
  ];
  return [file("numbers", numbers), file("sent", sent.join("\n")), file("seen", seen.join("\n"))];
}

test("the C programs compile", () => {
  const programs = ["reference", "flooder", "prober", "stopwatch", "packets"].map(
    (name) => `.output/bench/${name}`,
  );
  const { success, stderr } = Bun.spawnSync(["make", ...programs], { cwd: root });
  if (!success) throw new Error(stderr.toString());
  for (const program of programs) expect(Bun.file(join(root, program)).size).toBeGreaterThan(0);
});

test("start ends at the first probe after which the tool misses none", () => {
  const files = new Map([
    ...roundOf("mine", 1, [4, 5, 6, 7, 8, 9], 100),
    ...roundOf("mine", 2, [2, 4, 5, 7, 8, 9], 100), // missed 6: 2 to 5 do not count
    ...roundOf("mine", 3, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 80),
  ]);
  const results = readResults(files, "bench", ["mine"], sizes);
  const { mine } = results;
  expect(mine?.rounds.map(({ startMs }) => startMs)).toEqual([35, 65, -5]);
  expect(spread(results, "mine", "startMs")).toEqual({ median: 35, least: -5, most: 65 });
  expect(spread(results, "mine", "cpuPerEventUs")).toEqual({ median: 4, least: 4, most: 5 });
  expect(spread(results, "mine", "peakMb")).toEqual({ median: 4, least: 2, most: 6 });
  expect(spread(results, "mine", "idlePercent")?.median).toBeCloseTo(0.1);
});

test("a tool that misses the last probe is an error: its start is unknown", () => {
  const files = new Map(roundOf("mine", 1, [1, 2, 3], 100));
  expect(() => readResults(files, "bench", ["mine"], { ...sizes, rounds: 1 })).toThrow(
    "missed the last probe",
  );
});

test("the median of an even number of rounds is the mean of the middle two", () => {
  const files = new Map([...roundOf("mine", 1, [9], 100), ...roundOf("mine", 2, [5, 6, 7, 8, 9], 100)]);
  const results = readResults(files, "bench", ["mine"], { ...sizes, rounds: 2 });
  expect(spread(results, "mine", "startMs")?.median).toBe((85 + 45) / 2);
});

test("a tool that cannot start has a reason and no numbers; a missing number gets no verdict", () => {
  const files = new Map([
    ["bench/1/none/numbers", Buffer.from(sender)],
    ["bench/1/bcc/stderr", Buffer.from("no headers\n")],
    ...roundOf("mine", 1, [9], 99),
  ]);
  const results = readResults(files, "bench", ["none", "bcc", "mine"], { ...sizes, rounds: 1 });
  const { bcc } = results;
  expect(bcc).toEqual({ rounds: [], failure: "no headers" });
  expect(spread(results, "bcc", "startMs")).toBeUndefined();
  expect(spread(results, "none", "peakMb")).toBeUndefined();
  expect(spread(results, "none", "floodSenderMs")?.median).toBe(5);

  const verdicts = judge(results, sizes);
  const met = (promise: string) => verdicts.find((verdict) => verdict.promise.startsWith(promise))?.met;
  expect(met("all of 100 single ADDs")).toBe(false); // one lost event
  expect(met("all of 50 elements")).toBe(true);
  expect(met("peak memory ≤")).toBe(true);
  expect(met("processor time per element")).toBe(false); // 3 ms for 50
  expect(met("sender's slowdown, to bpftrace's")).toBeUndefined();
});

test("a slowdown is the time that a tool adds to that of an unobserved sender", () => {
  const senders = {
    none: 10,
    "c-plain": 16,
    bpftrace: 18,
    mine: 14,
    "mine-fexit": 14,
    "mine-kprobe": 17,
    "mine-tracepoint": 19,
  };
  const results = Object.fromEntries(
    Object.entries(senders).map(([tool, floodSenderMs]) => {
      const others = { floodElapsedMs: 99, restoreSenderMs: 99, restoreElapsedMs: 99 };
      return [tool, { rounds: [{ floodSenderMs, ...others }] }];
    }),
  );
  const found = new Map(judge(results, sizes).map(({ promise, found, met }) => [promise, { found, met }]));
  expect(found.get("sender's slowdown, to the C reference's ≤ 1 ×")).toEqual({ found: "0.667 ×", met: true });
  expect(found.get("sender's slowdown, to bpftrace's ≤ 1 ×")).toEqual({ found: "0.500 ×", met: true });
  const tracepoint = found.get("sender's slowdown by tracepoint, to the C reference's ≤ 1 ×");
  expect(tracepoint).toEqual({ found: "1.50 ×", met: false });
  const rungs = found.get("sender's slowdown by fexit, to that by kprobe ≤ 0.8 ×");
  expect(rungs).toEqual({ found: "0.571 ×", met: true });
});
