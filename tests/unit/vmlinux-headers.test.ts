// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The object must not depend on which of the type headers it was compiled with: same instructions, same
// questions to libbpf. The offset of an instruction before relocation always differs.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Program, readPrograms } from "../support/bpf-object.ts";

const root = join(import.meta.dir, "../..");
const include = join(root, ".output/lib/include");
const headers = readdirSync(join(root, "vmlinux")).filter((name) => /^vmlinux_.*\.h$/.test(name));
const LDX = 1;
const ST = 2;
const STX = 3;

let dir: string;

beforeAll(() => {
  if (!existsSync(join(include, "bpf"))) throw new Error(`${include}/bpf is missing: run make first`);
  dir = mkdtempSync(join(tmpdir(), "vmlinux-headers-test-"));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

function compile(header: string, backend: string, flavour: string): Map<string, Program> {
  const types = mkdtempSync(join(dir, "types-"));
  symlinkSync(join(root, "vmlinux", header), join(types, "vmlinux.h"));
  const object = join(types, "mine.o");
  const { exitCode, stderr } = Bun.spawnSync([
    ...["clang", "-g", "-O2", "-target", "bpf", "-D__TARGET_ARCH_x86", `-D${flavour}`, "-Wall", "-Werror"],
    ...[`-I${types}`, `-I${include}`, "-c", join(root, `bpf/${backend}.bpf.c`), "-o", object],
  ]);
  if (exitCode !== 0) throw new Error(`${header} does not fit bpf/: run make vmlinux-headers\n${stderr}`);
  return readPrograms(readFileSync(object));
}

/** The code without what libbpf overwrites: the offset of loads and stores, the constant of the others. */
function withoutRelocated({ code, relocations }: Program): string {
  const masked = Buffer.from(code);
  for (const { offset } of relocations) {
    const isMemory = [LDX, ST, STX].includes((code[offset] ?? 0) & 7);
    if (isMemory) masked.writeInt16LE(0, offset + 2);
    else masked.writeInt32LE(0, offset + 4);
  }
  return masked.toString("hex").replace(/.{16}/g, "$&\n");
}

test("there are headers of kernels far apart, and vmlinux.h is one of them", () => {
  expect(headers.length).toBeGreaterThanOrEqual(2);
  const used = readFileSync(join(root, "vmlinux/vmlinux.h"), "utf8");
  expect(headers.map((name) => readFileSync(join(root, "vmlinux", name), "utf8"))).toContain(used);
});

describe.each<[backend: string, flavour: string]>([
  ["fexit", "MINE_MODERN"],
  ["kprobe", "MINE_MODERN"],
  ["kprobe", "MINE_LEGACY"],
  ["tracepoint", "MINE_MODERN"],
  ["tracepoint", "MINE_LEGACY"],
])("%s, %s", (backend, flavour) => {
  test("is the same object with every header", () => {
    const [first, ...others] = headers.map((header) => compile(header, backend, flavour));
    if (!first) throw new Error("no headers");
    const relocations = [...first.values()].flatMap(({ relocations }) => relocations.map(({ what }) => what));
    expect(relocations).toContain("kind 0 of task_struct 0.loginuid.val");
    for (const other of others) {
      expect([...other.keys()]).toEqual([...first.keys()]);
      for (const [name, program] of first) {
        const same = other.get(name);
        expect(same?.relocations).toEqual(program.relocations);
        expect(same && withoutRelocated(same)).toBe(withoutRelocated(program));
      }
    }
  });
});
