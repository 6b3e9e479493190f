// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A BPF object before and after load() takes it over. No part of it reaches the kernel here.
import { describe, expect, test } from "bun:test";
import { assets } from "../../src/assets.ts";
import { CallError } from "../../src/core/errors.ts";
import { open } from "../../src/core/object.ts";
import { kprobeLegacy, kprobeModern } from "../../src/events/skeleton.gen.ts";

/** Opens an object that no user can load, not even root: its BTF file does not exist. */
const openUnloadable = () => open(kprobeLegacy, assets.kprobeLegacy(), { btfPath: "/proc/self/nowhere" });

describe("an open object", () => {
  test("is empty after load() fails, and can be closed repeatedly", () => {
    for (let round = 0; round < 100; round++) {
      using opened = openUnloadable();
      expect(() => opened.load()).toThrow(CallError);
      expect(() => opened.load()).toThrow("was loaded");
      opened[Symbol.dispose]();
      Bun.gc(true);
    }
  });

  test("cannot be configured when it is empty: its programs and maps are freed", () => {
    using opened = open(kprobeModern, assets.kprobeModern(), { btfPath: "/proc/self/nowhere" });
    const { programs, maps, rodata } = opened;
    const filterConstant = { commands: 0, denied: 0, pid: 0, uid: 0, check: 0, details: 0 };
    const configure: (() => unknown)[] = [
      () => Object.assign(programs.mine_enter, { autoload: false }),
      () => Object.assign(programs.mine_enter, { target: "ip_set_create" }),
      () => Object.assign(maps.calls, { maxEntries: 1 }),
      () => Object.assign(rodata, { filterConstant }),
    ];
    expect(() => opened.load()).toThrow(CallError);
    for (const call of configure) expect(call).toThrow("was loaded");
  });

  test("cannot be loaded after it is closed, and can be closed again", () => {
    const opened = openUnloadable();
    opened[Symbol.dispose]();
    opened[Symbol.dispose]();
    expect(() => opened.load()).toThrow("closed");
  });
});

describe("the compiler refuses a misspelt name", () => {
  test("of a program", () => {
    using opened = openUnloadable();
    expect(opened.programs.mine_enter).toBeDefined();
    // @ts-expect-error
    expect(opened.programs.mine_entre).toBeUndefined();
  });

  test("of a map", () => {
    using opened = openUnloadable();
    expect(opened.maps.calls).toBeDefined();
    // @ts-expect-error
    expect(opened.maps.cals).toBeUndefined();
  });

  test("of a constant, and of a field in it", () => {
    using opened = open(kprobeModern, assets.kprobeModern());
    const filter = { commands: 0, denied: 0, pid: 0, uid: 0, check: 0 };
    opened.rodata.filterConstant = { ...filter, details: 0 };
    // @ts-expect-error
    opened.rodata.filterConstant = { ...filter, detail: 0 };
    expect(Object.keys(opened.rodata)).toEqual(["filterConstant"]);
    // @ts-expect-error
    expect(opened.rodata.filterConstnat).toBeUndefined();
  });
});

test("an assignment to a constant that the object does not have throws", () => {
  using object = open(kprobeModern, assets.kprobeModern());
  expect(() => Object.assign(object.rodata, { misspelt: 1 })).toThrow(TypeError);
});
