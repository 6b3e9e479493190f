// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The built library, called through the tables. The garbage collector runs between the calls.

import type { Pointer } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { assets } from "../../src/assets.ts";
import { CallError } from "../../src/core/errors.ts";
import * as libbpf from "../../src/core/ffi/libbpf.ts";
import { memoryFile, perfEventOpen } from "../../src/core/ffi/libc.ts";
import { cString, packStruct, textAt } from "../../src/core/ffi/memory.ts";
import { open } from "../../src/core/object.ts";
import { kprobeLegacy } from "../../src/events/skeleton.gen.ts";
import { userName } from "../../src/host/ffi/libc.ts";

const image = assets.kprobeLegacy();
const ROUNDS = 200;

/** Returns the lines that libbpf logs during a function. */
function logOf(run: () => unknown, most: libbpf.LogLevel = "debug"): string {
  const lines: string[] = [];
  libbpf.setLog(most, (level, line) => lines.push(`${level}: ${line}`));
  run();
  libbpf.setLog("warning", () => {});
  return lines.join("\n");
}

function errorOf(run: () => unknown): CallError {
  try {
    run();
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  throw new Error("this was to fail");
}

test("returns the same number in each round, with garbage collection in between", () => {
  const first = libbpf.possibleCpus();
  expect(first).toBeGreaterThan(0);
  for (let round = 0; round < ROUNDS; round++) {
    Bun.gc(true);
    expect(libbpf.possibleCpus()).toBe(first);
  }
});

test("returns the version of the built library", () => {
  expect(libbpf.libbpfVersion()).toMatch(/^1\.\d+$/);
});

test("refuses bytes that are not an object, with libbpf's error and log", () => {
  for (let round = 0; round < ROUNDS; round++) {
    const garbage = crypto.getRandomValues(new Uint8Array(64 + round));
    const options = { name: "garbage", btfPath: `/proc/self/nowhere/${round}` };
    let error: CallError | undefined;
    const log = logOf(() => {
      Bun.gc(true);
      error = errorOf(() => open(kprobeLegacy, garbage, options));
      Bun.gc(true);
    });
    expect(error?.code).toBe("FORMAT");
    expect(error?.log.join("\n")).toContain("garbage");
    for (const line of error?.log ?? []) expect(log).toContain(`warning: ${line}`);
  }
});

test.each([0, 1, 63, 64, 4096])("refuses an object truncated to %d bytes", (length) => {
  expect(errorOf(() => open(kprobeLegacy, image.subarray(0, length))).errno).toBeGreaterThan(0);
});

test.each([10, 500, 600, 100_000])("logs a whole line with a name of %d characters", (length) => {
  const name = "x".repeat(length);
  expect(logOf(() => errorOf(() => libbpf.openObject(new Uint8Array(64), { name })))).toContain(`'${name}'`);
});

test("reports the errno that libbpf sets when it returns NULL", () => {
  for (let round = 0; round < ROUNDS; round++) {
    if (round % 10 === 0) Bun.gc(true);
    expect(errorOf(() => libbpf.parseBtf("/proc/self/nowhere"))).toMatchObject({
      call: "btf__parse",
      code: "ENOENT",
    });
  }
});

test("an error has only the warnings of its own call", () => {
  const fail = (name: string) =>
    errorOf(() => libbpf.openObject(new Uint8Array(64), { name })).log.join("\n");
  expect(fail("first")).toContain("first");
  expect(fail("second")).toContain("second");
  expect(fail("second")).not.toContain("first");
  const object = libbpf.openObject(image, {});
  expect(errorOf(() => libbpf.mapFd(libbpf.findMap(object, "events"), "events")).log).toEqual([]);
  libbpf.closeObject(object);
});

describe("the log", () => {
  const fail = () => errorOf(() => open(kprobeLegacy, new Uint8Array(64)));

  test("goes only to the function of the last setLog()", () => {
    let heard = 0;
    libbpf.setLog("debug", () => {
      heard += 1;
    });
    fail();
    const before = heard;
    expect(before).toBeGreaterThan(0);
    expect(logOf(fail)).not.toBe("");
    Bun.gc(true);
    fail();
    expect(heard).toBe(before);
  });

  test("has no lines below the requested level", () => {
    const levels = (log: string) => new Set(log.split("\n").map((line) => line.split(":")[0]));
    const openWell = () => open(kprobeLegacy, image)[Symbol.dispose]();
    expect(levels(logOf(openWell))).toContain("debug");
    expect(logOf(openWell, "warning")).toBe("");
    expect(levels(logOf(fail, "warning"))).toEqual(new Set(["warning"]));
  });
});

describe("an object", () => {
  test("can be opened, configured and closed repeatedly", () => {
    for (let round = 0; round < ROUNDS; round++) {
      using object = open(kprobeLegacy, image, { btfPath: "/proc/self/nowhere", versionCode: 0x040f12 });
      Bun.gc(true);
      object.maps.calls.maxEntries = 0xffffffff;
      object.programs.mine_enter.autoload = false;
      expect(object.programs.mine_enter).not.toBe(object.programs.mine_return);
    }
  });

  test("is refused without a program or map of its skeleton, and the error names it", () => {
    const other = { programs: ["no_such"], maps: {}, rodata: {} } as const;
    for (let round = 0; round < ROUNDS; round++) {
      expect(errorOf(() => open(other, image))).toMatchObject({
        call: "bpf_object__find_program_by_name(no_such)",
        code: "ENOENT",
      });
    }
    const call = "bpf_object__find_map_by_name(no_such)";
    expect(errorOf(() => open({ ...other, programs: [], maps: { no_such: {} } }, image)).call).toBe(call);
  });

  test("has no file descriptors before load()", () => {
    const object = libbpf.openObject(image, {});
    expect(errorOf(() => libbpf.mapFd(libbpf.findMap(object, "events"), "events")).call).toBe(
      "bpf_map__fd(events)",
    );
    libbpf.closeObject(object);
  });
});

describe("memory", () => {
  test("the targets of a struct's pointers live as long as the struct", () => {
    const structs = Array.from({ length: 500 }, (_, index) =>
      packStruct(16, [[8, cString(`text ${index}`)]]),
    );
    Bun.gc(true);
    const rubble = Array.from({ length: 5000 }, (_, index) => cString(`other ${index}`));
    Bun.gc(true);
    for (const [index, struct] of structs.entries()) {
      const address = Number(new DataView(struct.buffer).getBigUint64(8, true)) as Pointer;
      expect(textAt(address)).toBe(`text ${index}`);
    }
    expect(rubble.length).toBe(5000);
  });

  test("a struct holds numbers of 64 bits", () => {
    const struct = packStruct(24, [
      [0, 0xffff_ffff_ffff_ffffn],
      [8, Number.MAX_SAFE_INTEGER],
      [16, null],
    ]);
    expect([...new BigUint64Array(struct.buffer)]).toEqual([
      0xffff_ffff_ffff_ffffn,
      BigInt(Number.MAX_SAFE_INTEGER),
      0n,
    ]);
  });

  test("a C string has one NUL, at its end", () => {
    expect([...cString("é")]).toEqual([0xc3, 0xa9, 0]);
    expect(() => cString("a\0b")).toThrow("NUL");
  });
});

describe("the C library", () => {
  test("has the name of the failed call in its error", () => {
    expect(errorOf(() => perfEventOpen(new Uint8Array(64).fill(0xff))).call).toBe("perf_event_open");
  });

  test("returns users' names, up to the largest uids", () => {
    expect(userName(0)).toBe("root");
    expect(userName(0xfffffff0)).toBeUndefined();
  });

  test("creates files in memory that close on exec", () => {
    const fd = memoryFile("test", new Uint8Array(0));
    const info = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
    expect(Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? "0", 8) & 0o2000000).toBe(0o2000000);
  });
});
