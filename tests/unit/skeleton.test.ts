// The committed skeleton is what the generator makes of the objects, and the generator refuses what it cannot
// say in TypeScript instead of guessing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileBpf, root } from "../support/compile.ts";

const built = ["modern", "legacy"].map((flavour) => join(root, `.output/bpf/mine.${flavour}.bpf.o`));
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

/** An object with an event of these fields. */
const objectWith = (fields: string, { counter = "MINE_LOST", program = "probe" } = {}): string =>
  compileBpf(
    dir,
    `#include <linux/bpf.h>
     #include <bpf/bpf_helpers.h>
     struct inner { __u32 a; };
     union either { __u32 a; __u16 b; };
     enum mine_counter { ${counter} };
     struct mine_event { ${fields} };
     struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, enum mine_counter);
              __type(value, struct mine_event); } scratch SEC(".maps");
     SEC("kprobe") int ${program}(void *ctx) { return 0; }`,
  );

test("the committed skeleton is the one that the objects give", () => {
  const { stdout, stderr } = generate(...built);
  expect(stderr).toBe("");
  expect(stdout).toBe(readFileSync(join(root, "src/events/skeleton.gen.ts"), "utf8"));
});

test("integers of every width, text and bytes are known", () => {
  const { stdout } = generate(
    objectWith("__u64 a; __u32 b_c; __s32 d; __u16 e; __u8 f; __u8 g[5]; const char h[4];"),
  );
  expect(stdout).toContain(`  a: [0, "u64"],
  bC: [8, "u32"],
  d: [12, "s32"],
  e: [16, "u16"],
  f: [18, "u8"],
  g: [19, "bytes", 5],
  h: [24, "string", 4],
}`);
});

describe("the generator refuses", () => {
  test.each([
    ["a struct", "struct inner a;", "mine_event.a is a STRUCT"],
    ["a union", "union either a;", "mine_event.a is a UNION"],
    ["a pointer", "void *a;", "mine_event.a is a PTR"],
    ["an enum", "enum mine_counter a;", "mine_event.a is a ENUM"],
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
    ["another counter", objectWith.bind(null, "__u32 a;", { counter: "MINE_OTHER" })],
    ["another program", objectWith.bind(null, "__u32 a;", { program: "other" })],
  ])("objects of which one has %s", (_, other) => {
    const { exitCode, stdout, stderr } = generate(objectWith("__u32 a;"), other());
    expect(stderr).toContain("do not have the same programs, maps and event");
    expect(exitCode).not.toBe(0);
    expect(stdout).toBe("");
  });

  test("a file that is no object", () => {
    const { exitCode, stderr } = generate(join(root, "Makefile"));
    expect(stderr).toContain("bpftool could not read the BTF of");
    expect(exitCode).not.toBe(0);
  });
});
