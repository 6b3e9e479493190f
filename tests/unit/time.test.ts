// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The forms of the time in a line of text. date(1) gives the expected local times.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ByteWriter } from "../../src/output/byte-writer.ts";
import { type TimeForm, timeWriter } from "../../src/output/time.ts";

const NS = 1_000_000_000n;

/** Seconds since 1970: around a change to summer time and back, a new year, a leap day. */
const times = [
  1_616_288_399, 1_616_893_199, 1_616_893_200, 1_635_641_999, 1_635_642_000, 1_640_995_199, 1_709_164_800,
];
const zones = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kathmandu",
  "America/St_Johns",
  "Pacific/Chatham",
];

/** Runs in a process of its own: a process has one zone. Prints the given times in each form. */
const script = `
import { ByteWriter } from "${join(import.meta.dir, "../../src/output/byte-writer.ts")}";
import { timeWriter } from "${join(import.meta.dir, "../../src/output/time.ts")}";
for (const form of ["minute", "iso"]) {
  const write = timeWriter(form, false, 0n);
  for (const seconds of [${times.join()}]) {
    const out = new ByteWriter();
    write(out, BigInt(seconds) * ${NS}n + 123456789n, 0n);
    console.log(Buffer.from(out.written()).toString());
  }
}`;

const run = (command: string[], env: Record<string, string>): string[] =>
  Bun.spawnSync(command, { env: { ...process.env, ...env } })
    .stdout.toString()
    .trim()
    .split("\n");

test.each(zones)("local times in %s equal those of date(1)", (zone) => {
  const date = (format: string): string[] =>
    times.flatMap((seconds) =>
      run(["date", "-d", `@${seconds}.123456789`, `+${format}`], { TZ: zone, LC_ALL: "C" }),
    );
  expect(run([process.execPath, "-e", script], { TZ: zone })).toEqual([
    ...date("%Y/%m/%d_%H:%M"),
    ...date("%Y-%m-%dT%H:%M:%S.%6N%:z"),
  ]);
});

function written(form: TimeForm, isUtc: boolean, timeNs: bigint, tsNs = 0n, startNs = 0n): string {
  const out = new ByteWriter();
  timeWriter(form, isUtc, startNs)(out, timeNs, tsNs);
  return Buffer.from(out.written()).toString();
}

test("UTC has no offset", () => {
  expect(written("minute", true, 1_616_893_199n * NS)).toBe("2021/03/28_00:59");
  expect(written("iso", true, 1_616_893_199n * NS + 5_000n)).toBe("2021-03-28T00:59:59.000005Z");
});

describe("a relative time", () => {
  test.each([
    ["at the start", 0n, "0.000000"],
    ["after a microsecond", 1_999n, "0.000001"],
    ["after a day", 86_400n * NS + 500_000_000n, "86400.500000"],
    ["before the start", -1_500_000n, "-0.001500"],
  ])("%s", (_, sinceNs, expected) => {
    expect(written("relative", false, 0n, 1000n * NS + sinceNs, 1000n * NS)).toBe(expected);
  });
});
