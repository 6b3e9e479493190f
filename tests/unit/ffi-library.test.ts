// The library that was built, called through the tables, with the garbage collector in every gap.

import type { Pointer } from "bun:ffi";
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BpfObject, OPEN_OPTIONS } from "../../src/bpf/object.ts";
import { CallError } from "../../src/errors.ts";
import { checkPointer, LOG_LEVEL, loadLibbpf, setLibbpfLog } from "../../src/ffi/libbpf.ts";
import { memfdCreate, perfEventOpen, userName } from "../../src/ffi/libc.ts";
import { cString, packOptions, packStruct, textAt } from "../../src/ffi/memory.ts";
import { root } from "../support/compile.ts";

const lib = loadLibbpf(readFileSync(join(root, ".output/lib/libbpf.so")));
const image = readFileSync(join(root, ".output/bpf/kprobe.legacy.bpf.o"));
const ROUNDS = 200;

/** @returns what libbpf logs meanwhile. */
function logOf(run: () => unknown): string {
  const lines: string[] = [];
  using _log = setLibbpfLog(lib, LOG_LEVEL.debug, (_, line) => lines.push(line));
  run();
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

test("numbers come back whole, however often and whatever is collected between", () => {
  const first = lib.libbpf_num_possible_cpus();
  expect(first).toBeGreaterThan(0);
  for (let round = 0; round < ROUNDS; round++) {
    Bun.gc(true);
    expect(lib.libbpf_num_possible_cpus()).toBe(first);
  }
});

test("what is no object is refused with libbpf's error, and its log arrives", () => {
  for (let round = 0; round < ROUNDS; round++) {
    const garbage = crypto.getRandomValues(new Uint8Array(64 + round));
    const open = () => BpfObject.open(lib, garbage, { btfPath: `/proc/self/nowhere/${round}` });
    let code = "";
    const log = logOf(() => {
      Bun.gc(true);
      code = errorOf(open).code;
      Bun.gc(true);
    });
    expect(code).toBe("FORMAT");
    expect(log).toContain("mine");
  }
});

test.each([0, 1, 63, 64, 4096])("an object cut after %d bytes is refused", (length) => {
  expect(errorOf(() => BpfObject.open(lib, image.subarray(0, length), {})).errno).toBeGreaterThan(0);
});

test.each([10, 500, 600, 100_000])("a line of the log comes whole, with %d characters in it", (length) => {
  const name = "x".repeat(length);
  const options = packOptions(OPEN_OPTIONS.size, [[OPEN_OPTIONS.objectName, cString(name)]]);
  expect(logOf(() => lib.bpf_object__open_mem(new Uint8Array(64), 64, options))).toContain(`'${name}'`);
});

test("the errno of a NULL is the one that libbpf set", () => {
  for (let round = 0; round < ROUNDS; round++) {
    if (round % 10 === 0) Bun.gc(true);
    expect(
      errorOf(() => checkPointer(lib, "btf__parse", lib.btf__parse(cString("/proc/self/nowhere"), null)))
        .code,
    ).toBe("ENOENT");
  }
});

test("a log that was taken away is not called", () => {
  const open = () => errorOf(() => BpfObject.open(lib, new Uint8Array(64), {}));
  let heard = 0;
  const log = setLibbpfLog(lib, LOG_LEVEL.debug, () => {
    heard += 1;
  });
  open();
  const before = heard;
  expect(before).toBeGreaterThan(0);
  log[Symbol.dispose]();
  Bun.gc(true);
  open();
  expect(heard).toBe(before);
});

describe("an object", () => {
  test("opens, is set up and closes, again and again", () => {
    for (let round = 0; round < ROUNDS; round++) {
      using object = BpfObject.open(lib, image, { btfPath: "/proc/self/nowhere", versionCode: 0x040f12 });
      Bun.gc(true);
      object.setMaxEntries("calls", 0xffffffff);
      expect(object.program("mine_enter")).not.toBe(object.program("mine_return"));
      expect(errorOf(() => object.program("no_such" as never)).code).toBe("ENOENT");
    }
  });

  test("has no file descriptor before it is loaded", () => {
    using object = BpfObject.open(lib, image, {});
    expect(errorOf(() => object.mapFd("events")).call).toBe("bpf_map__fd");
  });

  test("that is closed cannot be used, and can be closed again", () => {
    const object = BpfObject.open(lib, image, {});
    object[Symbol.dispose]();
    object[Symbol.dispose]();
    expect(() => object.load()).toThrow("closed");
    expect(() => object.program("mine_enter")).toThrow("closed");
  });
});

describe("memory", () => {
  test("what a struct points to lives as long as the struct", () => {
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

  test("a struct holds numbers up to the last bit", () => {
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

  test("a C string ends where it says, and only there", () => {
    expect([...cString("é")]).toEqual([0xc3, 0xa9, 0]);
    expect(() => cString("a\0b")).toThrow("NUL");
  });
});

describe("the C library", () => {
  test("names its error", () => {
    expect(errorOf(() => perfEventOpen(new Uint8Array(64).fill(0xff))).call).toBe("perf_event_open");
  });

  test("gives users' names, to the end of the range", () => {
    expect(userName(0)).toBe("root");
    expect(userName(0xfffffff0)).toBeUndefined();
  });

  test("makes files that no directory has, closed on exec", () => {
    const fd = memfdCreate("test");
    const info = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
    expect(Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? "0", 8) & 0o2000000).toBe(0o2000000);
  });
});
