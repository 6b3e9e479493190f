// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Identities of processes, by the boot of this host.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Processes } from "../../src/host/processes.ts";

test("a process has the time of its start", () => {
  const before = Date.now();
  const child = Bun.spawn(["sleep", "77"]);
  try {
    // Field 22 of proc(5), in units of 10 ms.
    const stat = readFileSync(`/proc/${child.pid}/stat`, "latin1");
    const ticks = BigInt(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? 0);
    const found = new Processes().find(child.pid, ticks * 10_000_000n);
    const startMs = Number((found?.startTimeNs ?? 0n) / 1_000_000n);
    expect(startMs).toBeGreaterThan(before - 1000);
    expect(startMs).toBeLessThan(Date.now() + 1000);
  } finally {
    child.kill();
  }
});

test("the entity id is the same in each run, and another one for another id or start", () => {
  const id = (pid: number, startNs: bigint) => new Processes().find(pid, startNs)?.entityId;
  expect(id(7, 5n)).toBe(id(7, 5n) ?? "");
  expect(new Set([id(7, 5n), id(7, 6n), id(8, 5n), id(75, 1n)]).size).toBe(4);
  expect(id(7, 5n)).toMatch(/^[\w-]{22}$/);
});

test("a process without a start is unknown", () => {
  expect(new Processes().find(1, 0n)).toBeUndefined();
});
