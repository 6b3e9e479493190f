// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The data between the kernel and user space: the layout of C against that of TypeScript.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KernelFilter } from "../../src/backends/load.ts";
import { structOf, writeStruct } from "../../src/core/layout.ts";
import { Counters } from "../../src/events/counters.ts";
import { AUDIT_UID_UNSET, type MineEvent, readEvent } from "../../src/events/event.ts";
import { mineCheck, mineCounters, mineEvent, mineFilter, mineFlag } from "../../src/events/skeleton.gen.ts";
import { compileC, constantsOfC, root } from "../support/compile.ts";

let dir: string;
let program: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "layout-test-"));
  program = compileC(dir, readFileSync(join(root, "tests/fixtures/event.c"), "utf8"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function fromC(what: "event" | "filter" | "counters" | "fields"): Buffer {
  const { success, stdout } = Bun.spawnSync([program, what]);
  if (!success) throw new Error(`the fixture has no ${what}`);
  return stdout;
}

describe("the event", () => {
  /** The fixture's bytes behind `shift` others, as they may lie anywhere in a buffer. */
  function eventBytes(shift: number): { view: DataView; size: number } {
    const bytes = fromC("event");
    const memory = new Uint8Array(shift + bytes.length + 16).fill(0xee);
    memory.set(bytes, shift);
    return { view: new DataView(memory.buffer), size: bytes.length };
  }

  const names = [
    ...Object.keys(mineEvent),
    "message",
    "arguments",
    "executable",
    "cgroupPath",
    "reply",
    "isRefused",
    "isUnanswered",
    "isByReader",
  ];
  /** All but the data, which is in its parts; each is read when it is asked for. */
  const fieldsOf = (event: MineEvent | undefined) =>
    Object.fromEntries(
      names.filter((name) => name !== "data").map((name) => [name, event?.[name as keyof MineEvent]]),
    );

  test.each([0, 8, 12, 3])("has in every field what C put there, %d bytes into the buffer", (shift) => {
    const { view, size } = eventBytes(shift);
    const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
    const event = readEvent(view, shift, size);
    expect<unknown>({
      ...fieldsOf(event),
      comm: text(event?.comm),
      arguments: text(event?.arguments),
      executable: text(event?.executable),
      cgroupPath: text(event?.cgroupPath),
      ancestors: event?.ancestors.map(({ pid, startNs, comm }) => [pid, startNs, text(comm)]),
    }).toEqual({
      tsNs: 0x1122334455667788n,
      startNs: 0x2233445566778899n,
      cgroupId: 0x99aabbccddeeff01n,
      pid: 0x81000001,
      tid: 0x82000002,
      ppid: 0x83000003,
      uid: 0x84000004,
      gid: 0x85000005,
      effectiveUid: 0x8c00000c,
      effectiveGid: 0x8d00000d,
      loginUid: 0x86000006,
      sessionId: 0x87000007,
      netns: 0x88000008,
      result: -4,
      answer: -4103,
      flags: mineFlag.refused | mineFlag.executableCut,
      messageLen: 0x89000009,
      capturedLen: 1000,
      argumentsLen: 0x8a00000a,
      argumentsCaptured: 21,
      ancestorsLen: 64,
      replyLen: 50,
      executableLen: 15,
      cgroupLen: 26,
      comm: "ipset-restore",
      message: Uint8Array.from({ length: 1000 }, (_, index) => index * 7),
      arguments: "ipset\0-exist\0restore\0",
      executable: ".../usr/sbin/ipset",
      cgroupPath: "/system.slice/cron.service",
      ancestors: [
        [0x8b00000b, 0x3344556677889900n, "fail2ban-server"],
        [1, 1n, "systemd"],
      ],
      reply: Uint8Array.from({ length: 50 }, (_, index) => index * 11),
      isRefused: true,
      isUnanswered: false,
      isByReader: false,
    });
  });

  test("ends before what follows it: the perf buffer pads", () => {
    const { view, size } = eventBytes(0);
    const padded = readEvent(view, 0, size + 16);
    expect(fieldsOf(padded)).toEqual(fieldsOf(readEvent(view, 0, size)));
    expect(padded?.reply.length).toBe(50);
  });

  test("is none when it is shorter than it says", () => {
    const { view, size } = eventBytes(0);
    expect(readEvent(view, 0, size)).toBeDefined();
    for (const shorter of [size - 1, mineEvent.data[0] + 1000, mineEvent.data[0], mineEvent.data[0] - 1, 0]) {
      expect(readEvent(view, 0, shorter)).toBeUndefined();
    }
  });
});

test("the filter is written as C lays it out", () => {
  const filter: KernelFilter = {
    commands: 0x81000001,
    denied: 0x82000002,
    pid: 0x83000003,
    uid: 0x84000004,
    check: 0x86000006,
    details: 0x85000005,
  };
  const expected = new Uint8Array(fromC("filter"));
  const written = new Uint8Array(expected.length);
  writeStruct(new DataView(written.buffer), 0, mineFilter, filter);
  expect(written).toEqual(expected);
});

test("the counters of all CPUs are read as C lays them out, and summed", () => {
  const bytes = fromC("counters");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const Struct = structOf(mineCounters);
  const cpus = [0, bytes.length / 2].map((at) => new Struct(view, at));
  const counters = new Counters({ getAll: (key) => (key === 0 ? cpus : []) });
  const sums = {
    submitted: 77,
    lostBuffer: 11,
    lostCall: 22,
    lostEntry: 33,
    entered: 100,
    returned: 111,
    lostMessage: 44,
    lostRest: 55,
    filtered: 2 ** 33 + 6,
    denied: 99,
  };
  expect(counters.read()).toEqual(sums);
  expect(counters.read()).toEqual(sums); // not added to an earlier read
});

const structs = {
  mine_event: mineEvent,
  mine_filter: mineFilter,
  mine_check: mineCheck,
  mine_counters: mineCounters,
};

test.each(Object.entries(structs))("the skeleton has every field of struct %s, in order", (name, layout) => {
  const camelCase = (field: string) => field.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const widths: Record<string, number> = { u64: 8, u32: 4, s32: 4, u16: 2 };
  const ours = Object.entries(layout).map(([field, [offset, type, length]]) => ({
    field,
    offset,
    size: length ?? widths[type],
  }));
  const theirs = fromC("fields")
    .toString()
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([struct]) => struct === name)
    .map(([, field = "", offset, size]) => ({
      field: camelCase(field),
      offset: Number(offset),
      size: Number(size),
    }));
  expect<unknown>(ours).toEqual(theirs);
  const last = theirs.at(-1);
  const [size] = Object.values(constantsOfC(dir, ["linux/types.h", "mine.h"], [`sizeof(struct ${name})`]));
  expect(size).toBe((last?.offset ?? 0) + (last?.size ?? 0));
});

test("flags and the id of nobody have the numbers of C", () => {
  const ours = {
    MINE_REFUSED: mineFlag.refused,
    MINE_EXECUTABLE_CUT: mineFlag.executableCut,
    MINE_UNANSWERED: mineFlag.unanswered,
    AUDIT_UID_UNSET,
  };
  expect(constantsOfC(dir, ["linux/types.h", "mine.h"], Object.keys(ours))).toEqual(ours);
});
