// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The committed skeleton is what the generator makes of the objects. The generator leaves out or refuses what it cannot
// say in TypeScript, instead of guessing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileBpf, root } from "../support/compile.ts";
import {
  compileCore,
  core,
  coreColor,
  coreHits,
  coreLimits,
  corePair,
  coreRecord,
} from "../support/core-object.ts";

const names = [
  "fexit.modern",
  "kprobe.modern",
  "kprobe.legacy",
  "tracepoint.modern",
  "tracepoint.legacy",
  "memory.legacy",
];
const built = names.map((name) => join(root, `.output/bpf/${name}.bpf.o`));
const bpftool = Bun.which("bpftool") ?? "/usr/sbin/bpftool";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "skeleton-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function generate(...objects: string[]) {
  const script = join(root, "src/core/gen-skeleton.ts");
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, script, ...objects], {
    env: { ...process.env, BPFTOOL: bpftool },
  });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Returns what a generated module exports, by name. */
async function exportsOf(...objects: string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr } = generate(...objects);
  expect(stderr).toBe("");
  const path = join(mkdtempSync(join(dir, "module-")), "skeleton.ts");
  writeFileSync(path, stdout);
  return { ...(await import(path)) } as Record<string, unknown>;
}

interface Source {
  event?: string;
  flags?: string;
  map?: string;
  program?: string;
  before?: string;
}

/** An object with a map of events. */
const objectWith = ({
  event = "__u32 a;",
  flags = "TEST_CUT = 1",
  map = "events",
  program = "probe",
  before = "",
}: Source): string =>
  compileBpf(
    dir,
    `#include <linux/bpf.h>
     #include <bpf/bpf_helpers.h>
     struct inner { __u32 a; };
     union either { __u32 a; __u16 b; };
     enum test_flag { ${flags} };
     struct test_event { ${event} };
     struct {
       __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct test_event);
     } ${map} SEC(".maps");
     ${before}
     SEC("kprobe") int ${program}(void *ctx) { return 0; }`,
  );

test("the committed skeleton is the one that the objects give", () => {
  const { stdout, stderr } = generate(...built);
  expect(stderr).toBe("");
  expect(stdout).toBe(readFileSync(join(root, "src/events/skeleton.gen.ts"), "utf8"));
});

test("a skeleton is what a person would write of the source", async () => {
  expect(await exportsOf(compileCore(dir))).toEqual({
    coreRecord,
    coreLimits,
    coreHits,
    corePair,
    coreColor,
    core,
  });
});

test("each object of several has its own programs and maps, and they share their structs", async () => {
  const other = { programs: ["other"], maps: { others: { value: coreHits } }, rodata: {} };
  const source = `
    #include <linux/bpf.h>
    #include <bpf/bpf_helpers.h>
    struct core_hits { __u32 count; __u32 small; __u32 target; };
    struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32);
      __type(value, struct core_hits); } others SEC(".maps");
    SEC("kprobe") int other(void *ctx) { return 0; }`;
  const generated = await exportsOf(compileCore(dir), compileBpf(dir, source));
  expect(generated).toMatchObject({ core, coreHits });
  expect(Object.values(generated)).toContainEqual(other);
});

describe("the generator leaves out", () => {
  test.each([
    ["a struct", "struct inner a;"],
    ["a union", "union either a;"],
    ["a pointer", "void *a;"],
    ["an array of words", "__u32 a[2];"],
    ["a bit field", "__u32 a : 3;"],
    ["a bit field that begins on a byte and is as wide", "__u32 a : 8;"],
    ["an integer of 128 bits", "__int128 a;"],
  ])("an event with %s: its values are bytes", async (_, field) => {
    const generated = await exportsOf(objectWith({ event: `__u32 first; ${field}` }));
    expect(Object.values(generated)).toEqual([{ programs: ["probe"], maps: { events: {} }, rodata: {} }]);
  });
});

test("the generator leaves out a constant that is not volatile: a new value would have no effect", async () => {
  const generated = await exportsOf(
    objectWith({ before: "const __u32 fixed = 7; const volatile __u32 wanted = 8;" }),
  );
  expect(Object.values(generated)).toContainEqual(
    expect.objectContaining({ rodata: { wanted: [expect.any(Number), "u32"] } }),
  );
});

describe("the generator refuses", () => {
  test.each([
    ["a pointer", "void *const volatile odd = 0;"],
    ["an array of words", "const volatile __u32 odd[2] = {1};"],
    ["a union", "const volatile union either odd = {1};"],
    ["a struct with a bit field", "const volatile struct { __u32 a : 3; } odd = {1};"],
  ])("a constant that is %s", (_, before) => {
    const { exitCode, stdout, stderr } = generate(objectWith({ before }));
    expect(stderr).toContain("odd is of a type");
    expect(exitCode).not.toBe(0);
    expect(stdout).toBe("");
  });

  const flagged = "enum test_flag a;";
  test.each<[what: string, one: Source, other: Source, name: string]>([
    ["another field", {}, { event: "__u32 b;" }, "testEvent"],
    ["the field elsewhere", {}, { event: "__u32 pad; __u32 a;" }, "testEvent"],
    ["a wider field", {}, { event: "__u64 a;" }, "testEvent"],
    ["another flag", { event: flagged }, { event: flagged, flags: "TEST_OTHER = 1" }, "testFlag"],
    ["the flag at another bit", { event: flagged }, { event: flagged, flags: "TEST_CUT = 2" }, "testFlag"],
  ])("objects of which one has %s", (_, one, other, name) => {
    const { exitCode, stdout, stderr } = generate(objectWith(one), objectWith(other));
    expect(stderr).toContain(`the objects do not agree about ${name}`);
    expect(exitCode).not.toBe(0);
    expect(stdout).toBe("");
  });

  test("a file that is no object", () => {
    const { exitCode, stdout, stderr } = generate(join(root, "Makefile"));
    expect(stderr).toContain(`${join(root, "Makefile")}: `);
    expect(exitCode).not.toBe(0);
    expect(stdout).toBe("");
  });

  test("a command line without an object", () => {
    const { exitCode, stdout, stderr } = generate();
    expect(stderr).toContain("usage: bun-libbpf-skeleton OBJECT...");
    expect(exitCode).not.toBe(0);
    expect(stdout).toBe("");
  });
});
