// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The tables of C functions and structs, compared with the built library and its headers.

import { FFIType } from "bun:ffi";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errnoName } from "../../src/core/errno.ts";
import { ATTACH_MODE_PERF, KPROBE_OPTIONS, OPEN_OPTIONS, PROGRAM_INFO } from "../../src/core/ffi/libbpf.ts";
import { libbpfSymbols, libcSymbols } from "../../src/core/ffi/symbols.ts";
import { PERF_ATTR, PERF_TYPE_TRACEPOINT } from "../../src/core/program.ts";
import { hostSymbols } from "../../src/host/ffi/libc.ts";
import { type Architecture, syscallNames, syscallNumber } from "../../src/host/syscalls.ts";
import { compileC, constantsOfC, root, runC } from "../support/compile.ts";

const tables: [name: string, table: Record<string, Signature>][] = [
  ["core", libcSymbols],
  ["host", hostSymbols],
];

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "ffi-table-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Returns name@version of every function that a library exports. */
function exportsOf(library: string): string[] {
  const { success, stdout, stderr } = Bun.spawnSync(["nm", "-D", "--defined-only", library]);
  if (!success) throw new Error(`nm: ${stderr}`);
  return [...stdout.toString().matchAll(/ [TWi] (\S+)$/gm)].map(([, name = ""]) => name.replace("@@", "@"));
}

test("the library exports every function of its table", () => {
  const names = new Set(exportsOf(join(root, ".output/lib/libbpf.so")).map((name) => name.split("@")[0]));
  expect(Object.keys(libbpfSymbols).filter((name) => !names.has(name))).toEqual([]);
});

test.each(tables)("glibc 2.17 has every function of the C library in the table of %s", (_, table) => {
  const libc = Bun.spawnSync(["gcc", "-print-file-name=libc.so.6"]).stdout.toString().trim();
  // A newer glibc may export a second version of a function, for programs linked with that glibc.
  const old = exportsOf(libc).flatMap((name) => {
    const [, symbol, minor] = /^(\w+)@GLIBC_2\.(\d+)/.exec(name) ?? [];
    return Number(minor) <= 17 ? [symbol] : [];
  });
  expect(Object.keys(table).filter((symbol) => !old.includes(symbol))).toEqual([]);
});

interface Signature {
  args: readonly unknown[];
  returns: unknown;
}

const widths: Record<string, number> = { bool: 1, i32: 4, u32: 4 };

/** Returns C code that compiles only if a function has this number of arguments and this size of result. */
function callOf([name, { args, returns }]: [string, Signature]): string {
  const call = `${name}(${args.map(() => "0").join(", ")})`;
  if (returns === "void") return `static void use_${name}(void) { return ${call}; }`;
  return `_Static_assert(sizeof(${call}) == ${widths[String(returns)] ?? 8}, "${name}");`;
}

const programOf = (headers: string[], table: Record<string, Signature>, before = ""): string =>
  [
    "#define _GNU_SOURCE",
    ...headers.map((header) => `#include <${header}>`),
    before,
    ...Object.entries(table).map(callOf),
  ].join("\n");

const libbpfHeaders = ["bpf/bpf.h", "bpf/btf.h", "bpf/libbpf.h"];
const libcHeaders = [
  ...[
    "errno.h",
    "fcntl.h",
    "grp.h",
    "poll.h",
    "pwd.h",
    "sched.h",
    "sys/auxv.h",
    "sys/mman.h",
    "sys/prctl.h",
    "sys/socket.h",
    "time.h",
  ],
  "unistd.h",
];
const objectOnly = ["-c", "-Wno-unused-function", "-Wno-nonnull"];

describe("the headers agree about the arguments and the size of the result", () => {
  test("for libbpf's functions", () => {
    const shim = "void mine_set_log(void (*log)(int level, const char *line), int level);";
    compileC(dir, programOf(libbpfHeaders, libbpfSymbols, shim), objectOnly);
  });

  test.each(tables)("for the C library's functions in the table of %s", (_, table) => {
    compileC(dir, programOf(libcHeaders, table), objectOnly);
  });

  test.each<[what: string, table: Record<string, Signature>]>([
    ["a missing argument", { bpf_map__set_max_entries: { args: ["ptr"], returns: "i32" } }],
    ["an extra argument", { bpf_map__fd: { args: ["ptr", "i32"], returns: "i32" } }],
    ["a too narrow result", { perf_buffer__buffer_cnt: { args: ["ptr"], returns: "i32" } }],
    ["a result of a void function", { btf__free: { args: ["ptr"], returns: "i32" } }],
    ["no result of a function that has one", { bpf_map__fd: { args: ["ptr"], returns: "void" } }],
    ["a too wide result", { bpf_map__fd: { args: ["ptr"], returns: FFIType.i64_fast } }],
    ["a number in place of a bool", { bpf_program__autoload: { args: ["ptr"], returns: "i32" } }],
    ["an unknown function", { bpf_map__colour: { args: ["ptr"], returns: "i32" } }],
  ])("and disagree about %s", (_, table) => {
    expect(() => compileC(dir, programOf(libbpfHeaders, table), objectOnly)).toThrow(Object.keys(table)[0]);
  });
});

// arch/arm64/include/uapi/asm/unistd.h defines __ARCH_WANT_RENAMEAT and includes the generic header.
test.each<[Architecture, string]>([
  ["x64", "#include <asm/unistd_64.h>"],
  ["arm64", "#define __ARCH_WANT_RENAMEAT\n#include <asm-generic/unistd.h>"],
])("system calls of %s have the numbers of the kernel's header", (architecture, header) => {
  const print = (name: string) => `#ifdef __NR_${name}
printf("%d\\n", __NR_${name});
#else
puts("null");
#endif`;
  const source = `${header}\n#include <stdio.h>\nint main(void) {\n${syscallNames.map(print).join("\n")}\n}\n`;
  const numbers = JSON.parse(`[${runC(dir, source).toString().trim().replaceAll("\n", ",")}]`);
  expect(syscallNames.map((name) => syscallNumber(name, architecture))).toEqual(numbers);
});

describe("structs", () => {
  const offset = (struct: string, field: string) => `offsetof(struct ${struct}, ${field})`;

  test("struct bpf_object_open_opts", () => {
    const fields = ["object_name", "btf_custom_path", "bpf_token_path"].map((field) =>
      offset("bpf_object_open_opts", field),
    );
    const [name = 0, btf = 0, token = 0] = Object.values(constantsOfC(dir, ["bpf/libbpf.h"], fields));
    expect<Record<string, number>>(OPEN_OPTIONS).toEqual({
      size: token + 8,
      objectName: name,
      btfCustomPath: btf,
      bpfTokenPath: token,
    });
  });

  test("struct bpf_prog_info", () => {
    const field = offset("bpf_prog_info", "recursion_misses");
    const { [field]: misses = 0 } = constantsOfC(dir, ["linux/bpf.h"], [field]);
    expect<Record<string, number>>(PROGRAM_INFO).toEqual({ size: misses + 8, recursionMisses: misses });
  });

  test("struct bpf_kprobe_opts", () => {
    const fields = ["retprobe", "attach_mode"].map((field) => offset("bpf_kprobe_opts", field));
    const wanted = [...fields, "sizeof(struct bpf_kprobe_opts)", "PROBE_ATTACH_MODE_PERF"];
    const [retprobe = 0, mode = 0, size = 0, perf = 0] = Object.values(
      constantsOfC(dir, ["bpf/libbpf.h"], wanted),
    );
    expect<number>(KPROBE_OPTIONS.retprobe).toBe(retprobe);
    expect<number>(KPROBE_OPTIONS.size).toBe(size);
    // One eight-byte word holds both: bool retprobe in the first byte, the mode in the upper half.
    expect(mode).toBe(retprobe + 4);
    expect(ATTACH_MODE_PERF).toBe(BigInt(perf) << 32n);
  });

  test("struct perf_event_attr", () => {
    const fields = ["type", "size", "config", "sample_period", "wakeup_events"].map((field) =>
      offset("perf_event_attr", field),
    );
    const wanted = [...fields, "PERF_ATTR_SIZE_VER0", "PERF_TYPE_TRACEPOINT"];
    const [type = 0, size = 0, config = 0, period = 0, wakeup = 0, bytes = 0, tracepoint = 0] = Object.values(
      constantsOfC(dir, ["linux/perf_event.h"], wanted),
    );
    expect(size).toBe(type + 4);
    expect<Record<string, number>>({ ...PERF_ATTR, kind: PERF_TYPE_TRACEPOINT }).toEqual({
      bytes,
      typeAndSize: type,
      config,
      samplePeriod: period,
      wakeupEvents: wakeup,
      kind: tracepoint,
    });
  });

  test("libbpf's own error numbers have their names", () => {
    const names = "LIBELF FORMAT KVERSION ENDIAN INTERNAL RELOC LOAD VERIFY PROG2BIG KVER PROGTYPE".split(
      " ",
    );
    const numbers = constantsOfC(
      dir,
      ["bpf/libbpf.h"],
      names.map((name) => `LIBBPF_ERRNO__${name}`),
    );
    expect(Object.values(numbers).map(errnoName)).toEqual(names);
  });
});
