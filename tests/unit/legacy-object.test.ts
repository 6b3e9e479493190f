// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The legacy object must load on 4.15, the modern one on 5.8. These tests prove the demands of those kernels
// on the objects themselves; small programs that break one rule each prove that the rules bite.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMaps } from "../support/bpf-object.ts";
import { compileBpf, root } from "../support/compile.ts";
import { Elf } from "../support/elf.ts";
import { LINUX_4_14, LINUX_4_15, LINUX_5_8, refusals } from "../support/kernel-limits.ts";

const built = (backend: string, flavour: string): Buffer =>
  readFileSync(join(root, `.output/bpf/${backend}.${flavour}.bpf.o`));

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "legacy-object-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const HEAD = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "Dual BSD/GPL";
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64[64]); }
scratch SEC(".maps");
static __u64 *scratch_area(void) { __u32 zero = 0; return bpf_map_lookup_elem(&scratch, &zero); }
`;

const compile = (source: string, cpu: string): Buffer => readFileSync(compileBpf(dir, source, cpu));

const kprobe = (body: string, before = "", cpu = "v1"): Buffer =>
  compile(`${HEAD}${before}\nSEC("kprobe") int program(void *ctx)\n{\n${body}\nreturn 0;\n}`, cpu);

const objects = ["kprobe", "tracepoint"];

describe("the objects", () => {
  test.each([...objects, "memory"])("the legacy object of %s can be loaded by 4.14 and 4.15", (backend) => {
    expect(refusals(built(backend, "legacy"), LINUX_4_14)).toEqual([]);
    expect(refusals(built(backend, "legacy"), LINUX_4_15)).toEqual([]);
  });

  test.each([...objects, "fexit"])("the modern object of %s can be loaded by 5.8", (backend) => {
    expect(refusals(built(backend, "modern"), LINUX_5_8)).toEqual([]);
  });

  test("a modern object is refused by 4.15 for its ring buffer: the same rules are not blind to it", () => {
    const found = refusals(built("kprobe", "modern"), LINUX_4_15).join("\n");
    expect(found).toContain("map events: type 27");
    expect(found).toContain("call of helper 130");
    expect(found).toContain("32-bit jump");
  });

  const shared = ["checks", "counters", "events", "reported", "scratch", "shares"];
  const walk = ["sockets", "taken", "walks"];
  test.each<[backend: string, flavour: string, maps: string[], programs: string[]]>([
    ["kprobe", "modern", [...shared, "calls"], ["mine_ack", "mine_enter", "mine_return"]],
    ["kprobe", "legacy", [...shared, "calls", "filters"], ["mine_ack", "mine_enter", "mine_return"]],
    ["tracepoint", "modern", [...shared, ...walk], ["mine_free"]],
    [
      "tracepoint",
      "legacy",
      [...shared, ...walk, "filters", "stages"],
      ["mine_free", "mine_rest", "mine_step"],
    ],
    ["memory", "legacy", ["copies"], ["mine_copy", "mine_copy_raw"]],
  ])("the maps and programs of %s, %s, were all looked at", (backend, flavour, maps, programs) => {
    const object = built(backend, flavour);
    const found = readMaps(object).map(({ name }) => name);
    expect(found.filter((name) => name !== ".rodata").sort()).toEqual(maps.sort());
    const elf = new Elf(object);
    const sections = [...elf.sections.keys()].filter((name) => /^(k|raw_|trace)/.test(name));
    const functions = sections.flatMap((section) => elf.functions(section));
    expect(functions.map(({ name }) => name).sort()).toEqual(programs);
    for (const { start, end } of functions) expect(end - start).toBeGreaterThan(100);
  });
});

describe("a field that 4.15 lacks", () => {
  const types = `
struct kernfs_node { __u64 id; } __attribute__((preserve_access_index));
struct kernfs_node___o { union kernfs_node_id { struct { __u32 ino; }; } id; } __attribute__((preserve_access_index));
#include <bpf/bpf_core_read.h>
`;
  const direct = (body: string): Buffer =>
    kprobe(
      `struct kernfs_node *node = (void *)bpf_get_current_task(); struct kernfs_node___o *old = (void *)node; ${body}`,
      types,
    );

  test("behind a test for the type that came before it is walked into, and refused", () => {
    const object = direct(`if (bpf_core_type_exists(union kernfs_node_id)) return BPF_CORE_READ(old, id.ino);
                           return BPF_CORE_READ(node, id);`);
    expect(refusals(object, LINUX_4_15)).toEqual([
      expect.stringMatching(
        /^program: instruction \d+ is looked at, and 4\.15 lacks kind 0 of kernfs_node 0\.id$/,
      ),
    ]);
    expect(refusals(object, LINUX_5_8)).toEqual([]);
  });

  test("behind a test for its own existence is passed", () => {
    const object = direct(`if (bpf_core_field_exists(old->id.ino)) return BPF_CORE_READ(old, id.ino);
                           if (bpf_core_field_exists(node->id)) return BPF_CORE_READ(node, id);`);
    expect(refusals(object, LINUX_4_15)).toEqual([]);
  });

  test("without any test is refused", () => {
    expect(refusals(direct("return BPF_CORE_READ(node, id);"), LINUX_4_15)).toHaveLength(1);
  });
});

describe("what 4.15 takes", () => {
  test.each([
    ["nothing special", ""],
    [
      "a jump back to code that was left already",
      `asm volatile("goto +2\\n r0 = 1\\n goto +1\\n goto -3" ::: "r0");`,
    ],
    ["an atomic addition", "__u64 *a = scratch_area(); if (a) __sync_fetch_and_add(a, 1);"],
    [
      "a size bounded by a comparison",
      `__u64 *a = scratch_area(); if (!a) return 0; __u64 len = a[0]; if (len > 64) len = 64;
       asm volatile("" : "+r"(len)); bpf_probe_read(a, len, ctx);`,
    ],
    ["a size bounded by a mask", "__u64 *a = scratch_area(); if (a) bpf_probe_read(a, a[0] & 63, ctx);"],
    ["a read that libbpf rewrites", "__u64 *a = scratch_area(); if (a) bpf_probe_read_kernel(a, 8, ctx);"],
  ])("%s", (_, body) => {
    expect(refusals(kprobe(body), LINUX_4_15)).toEqual([]);
  });
});

describe("what 4.15 refuses", () => {
  const use = "bpf_get_prandom_u32()";
  test.each<[what: string, message: RegExp, object: () => Buffer]>([
    ["a global variable", /global data in \.bss/, () => kprobe("count++;", "static volatile int count;")],
    [
      "what refers to one",
      /instruction \d+ refers to .*, not a map/,
      () => kprobe("count++;", "volatile int count;"),
    ],
    [
      "constant data",
      /global data in \.rodata/,
      () =>
        kprobe("return table[bpf_get_prandom_u32() & 3];", "static const volatile int table[4] = {1, 2};"),
    ],
    [
      "a loop",
      /back-edge from instruction \d+ to \d+/,
      () => kprobe(`for (int i = 0; i < 1000; i++) asm volatile("" ::: "memory");`),
    ],
    [
      "a loop of one instruction",
      /back-edge from instruction 0 to 0/,
      () => kprobe(`asm volatile("if r1 == 0 goto -1");`),
    ],
    [
      "a call of a function",
      /call of a BPF function/,
      () =>
        kprobe(
          `return other(${use});`,
          "static __attribute__((noinline)) int other(int a) { return a * 7; }",
        ),
    ],
    ["a 32-bit jump", /32-bit jump/, () => kprobe(`if (${use} > 7) return 1;`, "", "v3")],
    ["a helper of 5.8", /call of helper 125/, () => kprobe("return bpf_ktime_get_boot_ns();")],
    [
      "a helper that kprobes did not have",
      /call of helper 80/,
      () => kprobe("return bpf_get_current_cgroup_id();"),
    ],
    [
      "an atomic operation that returns a value",
      /memory access of opcode 0xdb, 1/,
      () => kprobe("__u64 *a = scratch_area(); if (a) return __sync_fetch_and_add(a, 1);", "", "v3"),
    ],
    [
      "too many instructions",
      /\d+ instructions/,
      () => kprobe(`asm volatile(".rept 4100\\n r0 = 1\\n .endr" ::: "r0");`),
    ],
    [
      "code that is never reached",
      /instruction 1 is unreachable/,
      () => kprobe(`asm volatile("goto +1\\n r0 = 1" ::: "r0");`),
    ],
    [
      "a jump out of the program",
      /control leaves the program/,
      () => kprobe(`asm volatile("if r1 == 0 goto +500");`),
    ],
    [
      "a stack of more than 512 bytes",
      /stack at -520/,
      () => kprobe(`asm volatile("*(u64 *)(r10 - 520) = r1");`),
    ],
    [
      "a pointer below the stack",
      /stack at -600/,
      () => kprobe(`asm volatile("r2 = r10\\n r2 += -600" ::: "r2");`),
    ],
    [
      "a map that came later",
      /map ring: type 27/,
      () =>
        kprobe(
          "",
          `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");`,
        ),
    ],
    [
      "too large an element of a per-CPU map",
      /map large: 40000 bytes per CPU/,
      () =>
        kprobe(
          "",
          `struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, __u32);
                    __type(value, char[40000]); } large SEC(".maps");`,
        ),
    ],
    [
      "a pinned map",
      /map kept: attribute pinning/,
      () =>
        kprobe(
          "",
          `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32);
                    __uint(pinning, LIBBPF_PIN_BY_NAME); } kept SEC(".maps");`,
        ),
    ],
    [
      "a program that needs BTF",
      /fentry\/do_exit: neither a kprobe nor/,
      () => compile(`${HEAD} SEC("fentry/do_exit") int program(void *ctx) { return 0; }`, "v1"),
    ],
    [
      "another license",
      /the license is "GPL"/,
      () =>
        compile(
          `#define SEC(n) __attribute__((section(n), used))
                     char LICENSE[] SEC("license") = "GPL"; struct { int (*type)[1]; } map SEC(".maps");
                     SEC("kprobe") int program(void *ctx) { return 0; }`,
          "v1",
        ),
    ],
  ])("%s", (_, message, object) => {
    expect(refusals(object(), LINUX_4_15).join("\n")).toMatch(message);
  });
});

describe("a size that 4.15 has lost the bounds of", () => {
  const read = (size: string) =>
    kprobe(`__u64 *a = scratch_area(), len; if (!a) return 0; len = a[0]; ${size}
                                         asm volatile("" : "+r"(len)); bpf_probe_read(a, len, ctx);`);
  test.each([
    ["never bounded", "", /loaded from/],
    [
      "bounded, then spilled and filled",
      `if (len > 64) len = 64; asm volatile("*(u64 *)(r10 - 8) = %0\\n %0 = *(u64 *)(r10 - 8)" : "+r"(len));`,
      /has no bound since it was loaded from \*\(r10 -8\)/,
    ],
    ["bounded from below", "if (len < 64) len = 64;", /loaded from/],
    ["compared with what is not constant", "if (len > a[1]) len = a[1];", /loaded from/],
    [
      "bounded on one path only",
      `if (a[2]) { if (len > 64) len = 64; } asm volatile("" : "+r"(len));`,
      /loaded from/,
    ],
    [
      "bounded, then copied as 32 bits",
      `if (len > 64) len = 64; asm volatile("r2 = %0\\n w2 = w2\\n %0 = r2" : "+r"(len) :: "r2");`,
      /opcode 0xbc/,
    ],
  ])("%s", (_, size, message) => {
    expect(refusals(read(size), LINUX_4_15).join("\n")).toMatch(message);
  });
});

describe("a size that can be 0", () => {
  const read = (size: string) =>
    kprobe(`__u64 *a = scratch_area(), len; if (!a) return 0; len = a[0]; if (len > 64) len = 64; ${size}
            bpf_probe_read(a, len, ctx);`);
  const refusal = [
    expect.stringMatching(/^program: the size in r2 for helper 4 at instruction \d+ can be 0$/),
  ];
  test.each([
    ["never compared with 0", `asm volatile("" : "+r"(len));`, refusal],
    // 4.14 keeps no bound of a number that is not equal to a constant.
    ["not equal to 0", `asm volatile("if %0 != 0 goto +1\\n %0 = 0" : "+r"(len));`, refusal],
    ["1 in place of 0", `asm volatile("if %0 >= 1 goto +1\\n %0 = 1" : "+r"(len));`, []],
    [
      "1 in place of 0 on one path",
      `if (a[1]) asm volatile("if %0 > 0 goto +1\\n %0 = 1" : "+r"(len));`,
      refusal,
    ],
  ])("is refused by 4.14 alone: %s", (_, size, expected) => {
    expect(refusals(read(size), LINUX_4_14)).toEqual(expected);
    expect(refusals(read(size), LINUX_4_15)).toEqual([]);
  });
});

describe("an offset that 4.15 has lost the bounds of", () => {
  const add = (bound: string) =>
    kprobe(`__u64 *a = scratch_area(), at; if (!a) return 0; at = a[0]; ${bound}
            asm volatile("" : "+r"(at)); bpf_probe_read((char *)a + at, 8, ctx);`);
  const refusal = [
    expect.stringMatching(/^program: what instruction \d+ adds to the address in r1 .* has no bound$/),
  ];
  test.each([
    ["never bounded", "", refusal],
    [
      "bounded, then spilled and filled",
      `if (at > 64) at = 64; asm volatile("*(u64 *)(r10 - 8) = %0\\n %0 = *(u64 *)(r10 - 8)" : "+r"(at));`,
      refusal,
    ],
    ["bounded on one path only", "if (a[2]) { if (at > 64) at = 64; }", refusal],
    ["not lost", "if (at > 64) at = 64;", []],
    ["not lost, of a sum", "at += a[1]; at += a[2]; if (at > 64) at = 64;", []],
    ["lost in a sum", "if (at > 64) at = 64; at += a[1];", refusal],
  ])("%s", (_, bound, expected) => {
    expect(refusals(add(bound), LINUX_4_15)).toEqual(expected);
  });
});
