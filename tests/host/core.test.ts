// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Tests src/core with the kernel of this host. The BPF object has nothing to do with ipset.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CallError,
  fdValue,
  type LoadedObject,
  type OpenObject,
  open,
  openEventBuffer,
  structOf,
  verifierRefusal,
} from "../../src/core/index.ts";
import { compileCore, core, coreRecord } from "../support/core-object.ts";

/** Skeleton with the map that libbpf creates for the constants. */
const skeleton = { ...core, maps: { ...core.maps, ".rodata": {} } } as const;

let dir: string;
let bytes: Buffer;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "core-test-"));
  bytes = readFileSync(compileCore(dir));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Opened = OpenObject<typeof skeleton>;
type Loaded = LoadedObject<typeof skeleton>;

function load(configure: (opened: Opened) => void = () => {}): Loaded {
  using opened = open(skeleton, bytes);
  configure(opened);
  return opened.load();
}

/** Returns the number of open files, without those of objects that the runtime has yet to collect. */
function openFiles(): number {
  Bun.gc(true);
  return readdirSync("/proc/self/fd").length;
}
/** Runs a command that makes the kernel free socket buffers. */
const useNetwork = (): void => {
  expect(Bun.spawnSync(["ip", "link"]).success).toBe(true);
};

describe("constants", () => {
  /** Returns the constants with the initial values of the source. Offsets: tests/support/core-object.ts. */
  function initial() {
    const expected = Buffer.alloc(100_042);
    expected.writeUInt8(1, 0);
    expected.writeBigUInt64LE(2n, 8);
    expected.write("abcd", 16);
    expected.writeUInt16LE(3, 24);
    expected.writeUInt32LE(4, 28);
    expected.writeUInt8(6, 32);
    expected.writeInt32LE(7, 100_036);
    expected.writeInt16LE(-5, 100_040);
    return expected;
  }

  test("keep the values of the source when they are not assigned", () => {
    using loaded = load();
    expect(Buffer.from(new Uint8Array(loaded.maps[".rodata"].get(0)))).toEqual(initial());
  });

  test("change only when they are assigned", () => {
    using loaded = load(({ rodata }) => {
      rodata.targetCount = 2n ** 64n - 2n;
      rodata.label = new TextEncoder().encode("xy");
      rodata.limits = { first: 9, last: 10 };
      rodata.color = -1;
    });
    const expected = initial();
    expected.writeBigUInt64LE(2n ** 64n - 2n, 8);
    expected.write("xycd", 16);
    expected.writeUInt16LE(9, 24);
    expected.writeUInt32LE(10, 28);
    expected.writeInt32LE(-1, 100_036);
    expect(Buffer.from(new Uint8Array(loaded.maps[".rodata"].get(0)))).toEqual(expected);
  });
});

test("a loaded object refuses configuration", () => {
  using opened = open(skeleton, bytes);
  using loaded = opened.load();
  expect(() => Object.assign(opened.rodata, { small: 9 })).toThrow("was loaded");
  expect(() => Object.assign(opened.maps.pairs, { maxEntries: 9 })).toThrow("was loaded");
  expect(loaded.maps[".rodata"].get(0)[0]).toBe(1);
});

describe("a map", () => {
  const pair = { tiny: -1, low: -2, color: -1, high: -(2n ** 40n), mask: 2n ** 63n, isSet: 1 };
  const name = new TextEncoder().encode("eth0");

  test("returns a stored value, field by field, until it is deleted", () => {
    using loaded = load();
    const { pairs } = loaded.maps;
    pairs.set(2n ** 63n + 1n, { ...pair, name, mac: new Uint8Array([1, 2, 3, 4, 5, 6]) });
    const read = pairs.get(2n ** 63n + 1n);
    for (const [name, value] of Object.entries(pair)) expect<unknown>(read[name as "low"]).toBe(value);
    expect(Buffer.from(read.name).toString()).toBe("eth0");
    expect([...read.mac]).toEqual([1, 2, 3, 4, 5, 6]);
    pairs.delete(2n ** 63n + 1n);
    expect(() => pairs.get(2n ** 63n + 1n)).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(() => pairs.delete(2n ** 63n + 1n)).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });

  test("returns bytes when its skeleton has no struct", () => {
    using loaded = load();
    const { addresses } = loaded.maps;
    const key = new Uint8Array(16).fill(7);
    addresses.set(key, new Uint8Array([1, 2, 3]));
    expect(addresses.get(key)).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("refuses a key or a value of another size, without a system call", () => {
    using loaded = load();
    const { addresses, pairs, hits, samples } = loaded.maps;
    const key = new Uint8Array(16);
    const refused: (() => unknown)[] = [
      () => addresses.set(key, new Uint8Array(2)),
      () => addresses.set(key, new Uint8Array(4)),
      () => addresses.set(new Uint8Array(15), new Uint8Array(3)),
      () => addresses.set(0, new Uint8Array(3)), // a number has eight bytes or fewer
      () => addresses.get(new Uint8Array(17)),
      () => addresses.delete(0),
      () => pairs.get(2n ** 64n),
      () => pairs.get(-1),
      () => pairs.delete(new Uint8Array(4)),
      () => hits.get(2 ** 32), // would be element 0
      () => hits.set(0, { count: 1, small: 1, target: 1 }), // one value for all CPUs
      () => samples.set(0, fdValue(0).subarray(1)),
    ];
    for (const call of refused) expect(call).toThrow(RangeError);
  });

  test("returns the values of all CPUs of a per-CPU map", () => {
    using loaded = load();
    const [, last = ""] =
      /(\d+)$/.exec(readFileSync("/sys/devices/system/cpu/possible", "utf8").trim()) ?? [];
    const hits = loaded.maps.hits.getAll(0);
    expect(hits.length).toBe(Number(last) + 1);
    for (const { count, small, target } of hits) expect([count, small, target]).toEqual([0, 0, 0]);
  });

  test("has the requested number of entries", () => {
    using loaded = load(({ maps }) => {
      maps.pairs.maxEntries = 2;
    });
    const { pairs } = loaded.maps;
    expect(pairs.info).toEqual({ type: 1, keySize: 8, valueSize: 40, maxEntries: 2 });
    const value = { ...pair, name, mac: new Uint8Array(6) };
    for (const key of [1, 2]) pairs.set(key, value);
    expect(() => pairs.set(3, value)).toThrow(expect.objectContaining({ code: "E2BIG" }));
  });
});

describe("programs", () => {
  test("run at the hook that their section names, until they are detached", () => {
    using loaded = load(({ rodata }) => {
      rodata.small = 200;
      rodata.targetCount = 77n;
      rodata.limits = { first: 1, last: 88 };
    });
    using buffer = openEventBuffer(loaded.maps.records, { cpuBytes: 0, timeOffset: 0 });
    const counts = () => loaded.maps.hits.getAll(0).reduce((sum, { count }) => sum + count, 0);
    using links = loaded.attach();
    useNetwork();
    links.dispose();
    Bun.sleepSync(20); // lets a run on another CPU end
    const seen = counts();
    expect(seen).toBeGreaterThan(0);
    // Each CPU that counted has 12 bytes, at a distance of 16 bytes.
    const used = loaded.maps.hits.getAll(0).filter(({ count }) => count > 0);
    for (const { small, target } of used) expect([small, target]).toEqual([200, 77]);
    const Record = structOf(coreRecord);
    let records = 0;
    buffer.drain((view, at) => {
      const { target, last } = new Record(view, at);
      expect([target, last]).toEqual([77n, 88]);
      records += 1;
      return true;
    });
    expect(records).toBeGreaterThan(0);
    useNetwork();
    expect(counts()).toBe(seen);
  });

  test("load only when they are requested", () => {
    using loaded = load();
    expect([loaded.programs.count.isLoaded, loaded.programs.broken.isLoaded]).toEqual([true, false]);
    expect(loaded.programs.count.fd).toBeGreaterThan(2);
    expect(loaded.programs.count.recursionMisses).toBeGreaterThanOrEqual(0);
    expect(() => loaded.programs.broken.fd).toThrow(CallError);
  });

  test("that the verifier refuses are named, with its error", () => {
    const files = openFiles();
    for (let round = 0; round < 20; round++) {
      using opened = open(skeleton, bytes);
      opened.programs.broken.autoload = true;
      let error: unknown;
      try {
        opened.load();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(CallError);
      const refusal = verifierRefusal((error as CallError).log);
      expect(refusal?.program).toBe("broken");
      expect(refusal?.complaint).toContain("invalid mem access");
      expect(() => opened.load()).toThrow("was loaded");
    }
    expect(openFiles()).toBe(files);
  });
});

describe("an object", () => {
  test("leaves no file open after one or more disposals", () => {
    load()[Symbol.dispose](); // lets libbpf open the files that it keeps
    const files = openFiles();
    for (let round = 0; round < 20; round++) {
      const loaded = load();
      const links = loaded.attach();
      const rings = openEventBuffer(loaded.maps.samples, { cpuBytes: 64 * 1024, timeOffset: 0 });
      expect(rings.size).toMatchObject({ kind: "perf", bytes: 64 * 1024 });
      expect(openFiles()).toBeGreaterThan(files);
      for (const held of [rings, links, loaded]) {
        held[Symbol.dispose]();
        held[Symbol.dispose]();
      }
    }
    expect(openFiles()).toBe(files);
  });
});
