// The committed skeleton is what the generator makes of the objects, and the generator refuses what it cannot
// say in TypeScript instead of guessing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileBpf, root } from "../support/compile.ts";

const names = ["fexit.modern", "kprobe.modern", "kprobe.legacy", "tracepoint.modern", "tracepoint.legacy"];
const built = names.map((name) => join(root, `.output/bpf/${name}.bpf.o`));
const bpftool = Bun.which("bpftool") ?? "/usr/sbin/bpftool";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "skeleton-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function generate(...objects: string[]) {
  const script = join(root, "scripts/gen-skeleton.ts");
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, script, bpftool, ...objects]);
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

interface Source {
  filter?: string;
  counters?: string;
  flags?: string;
  program?: string;
}

/** An object with an event of these fields. */
const objectWith = (
  fields: string,
  { filter = "__u32 pid;", counters = "__u64 lost;", flags = "MINE_CUT = 1", program = "probe" }: Source = {},
): string =>
  compileBpf(
    dir,
    `#include <linux/bpf.h>
     #include <bpf/bpf_helpers.h>
     struct inner { __u32 a; };
     union either { __u32 a; __u16 b; };
     enum mine_flag { ${flags} };
     struct mine_event { ${fields} };
     struct mine_filter { ${filter} };
     struct mine_counters { ${counters} };
     struct mine_check { __u32 a; };
     struct mine_rest { struct mine_check check; struct mine_filter filter; struct mine_counters counters; enum mine_flag flags; };
     #define ARRAY(name, of) \\
       struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, of); \\
       } name SEC(".maps")
     ARRAY(scratch, struct mine_event);
     ARRAY(rest, struct mine_rest);
     SEC("kprobe") int ${program}(void *ctx) { return 0; }`,
  );

test("the committed skeleton is the one that the objects give", () => {
  const { stdout, stderr } = generate(...built);
  expect(stderr).toBe("");
  expect(stdout).toBe(readFileSync(join(root, "src/events/skeleton.gen.ts"), "utf8"));
});

test("integers of every width, enums, text and bytes are known", () => {
  const { stdout } = generate(
    objectWith("__u64 a; __u32 b_c; __s32 d; __u16 e; __u8 f; __u8 g[5]; const char h[4]; enum mine_flag i;"),
  );
  expect(stdout).toContain(`  a: [0, "u64"],
  bC: [8, "u32"],
  d: [12, "s32"],
  e: [16, "u16"],
  f: [18, "u8"],
  g: [19, "bytes", 5],
  h: [24, "string", 4],
  i: [28, "u32"],
}`);
});

test("the fields of filter and counters and the flags are in it, by their names", () => {
  const { stdout } = generate(
    objectWith("__u32 a;", {
      filter: "__u32 user_id; __u32 b;",
      counters: "__u64 lost_a; __u64 lost_b;",
      flags: "MINE_CUT = 1, MINE_CUT_SHORT = 4",
    }),
  );
  expect(stdout).toContain('export type ProgramName = "probe";');
  expect(stdout).toContain('export type MapName = "rest" | "scratch";');
  expect(stdout).toContain('mineFilter = {\n  userId: [0, "u32"],\n  b: [4, "u32"],\n}');
  expect(stdout).toContain('mineCounters = {\n  lostA: [0, "u64"],\n  lostB: [8, "u64"],\n}');
  expect(stdout).toContain("mineFlag = {\n  cut: 1,\n  cutShort: 4,\n}");
});

describe("the generator refuses", () => {
  test.each([
    ["a struct", "struct inner a;", "mine_event.a is a STRUCT"],
    ["a union", "union either a;", "mine_event.a is a UNION"],
    ["a pointer", "void *a;", "mine_event.a is a PTR"],
    ["an array of words", "__u32 a[2];", "mine_event.a is a ARRAY"],
    ["a bit field", "__u32 a : 3;", "mine_event.a is a bit field"],
    ["a bit field that begins on a byte and is as wide", "__u32 a : 8;", "mine_event.a is a bit field"],
  ])("%s in the event", (_, fields, complaint) => {
    const { exitCode, stdout, stderr } = generate(objectWith(fields));
    expect(stderr).toContain(complaint);
    expect(exitCode).not.toBe(0);
    expect(stdout).toBe("");
  });

  test.each([
    ["another event", objectWith.bind(null, "__u32 b;")],
    ["the field elsewhere", objectWith.bind(null, "__u32 pad; __u32 a;")],
    ["another filter", objectWith.bind(null, "__u32 a;", { filter: "__u32 uid;" })],
    ["another counter", objectWith.bind(null, "__u32 a;", { counters: "__u64 gained;" })],
    ["another flag", objectWith.bind(null, "__u32 a;", { flags: "MINE_OTHER = 1" })],
    ["the flag at another bit", objectWith.bind(null, "__u32 a;", { flags: "MINE_CUT = 2" })],
  ])("objects of which one has %s", (_, other) => {
    const { exitCode, stdout, stderr } = generate(objectWith("__u32 a;"), other());
    expect(stderr).toContain("do not have the same structs");
    expect(exitCode).not.toBe(0);
    expect(stdout).toBe("");
  });

  test("no object for having another program: its name is one of several", () => {
    const { stdout } = generate(objectWith("__u32 a;"), objectWith("__u32 a;", { program: "other" }));
    expect(stdout).toContain('export type ProgramName = "other" | "probe";');
  });

  test("a file that is no object", () => {
    const { exitCode, stderr } = generate(join(root, "Makefile"));
    expect(stderr).toContain("bpftool could not read the BTF of");
    expect(exitCode).not.toBe(0);
  });
});
