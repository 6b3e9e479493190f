// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The choice of the program's pages to drop. A drop of a written page would lose its data.
import { expect, test } from "bun:test";
import { readFileSync, readlinkSync } from "node:fs";
import { ProgramPages, unchangedRanges } from "../../src/host/memory.ts";

const mapping = (range: string, access: string, path: string, anonymousKb: number): string =>
  [
    `${range} ${access} 00000000 08:02 173521    ${path}`,
    "Size:               1024 kB",
    "Rss:                 512 kB",
    `Anonymous:          ${String(anonymousKb).padStart(4)} kB`,
    "VmFlags: rd ex mr mw me sd",
    "",
  ].join("\n");

const smaps = [
  mapping("00200000-01a39000", "r--p", "/opt/a b/mine", 0),
  mapping("01a40000-0684a000", "r-xp", "/opt/a b/mine", 0),
  mapping("0684a000-0684c000", "r--p", "/opt/a b/mine", 4), // written before it became read-only
  mapping("0684c000-06a23000", "rw-p", "/opt/a b/mine", 0),
  mapping("7f0000000000-7f0000001000", "r-xp", "/lib/libc.so.6", 0),
  mapping("7f0000001000-7f0000002000", "r--p", "", 0),
  mapping("7f0000002000-7f0000003000", "r-xp", "/opt/a b/mine (deleted)", 0),
].join("");

test("chooses only mappings of the program that are read-only and unwritten", () => {
  expect(unchangedRanges(smaps, "/opt/a b/mine")).toEqual([
    { start: 0x200000, length: 0x1a39000 - 0x200000 },
    { start: 0x1a40000, length: 0x684a000 - 0x1a40000 },
  ]);
  expect(unchangedRanges("", "/opt/a b/mine")).toEqual([]);
});

test("drops the pages of this process, and the process continues", () => {
  const program = readlinkSync("/proc/self/exe");
  expect(unchangedRanges(readFileSync("/proc/self/smaps", "utf8"), program).length).toBeGreaterThan(0);
  const residentKb = (): number =>
    Number(/^RssFile:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  const before = residentKb();
  new ProgramPages().drop();
  expect(residentKb()).toBeLessThan(before);
});
