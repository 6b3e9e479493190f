// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// BTF made of found offsets says the same to bpftool. An offset counts only if one place has the value.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fieldNames, type Offsets } from "../../src/offsets/fields.ts";
import { kernelBtf } from "../../src/offsets/kernel-btf.ts";
import { ADDRESS_BITS, isAddress, only, required, single, UnknownOffset } from "../../src/offsets/search.ts";
import { readKernelOffsets } from "../support/kernel-offsets.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "kernel-btf-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Returns what bpftool reads of the BTF. */
async function readBack(offsets: Offsets): Promise<Record<string, number | null>> {
  const path = join(dir, "btf");
  writeFileSync(path, kernelBtf(offsets));
  const offsetOf = await readKernelOffsets(path);
  return Object.fromEntries(fieldNames.map((field) => [field, offsetOf(field)]));
}

test("bpftool reads every offset as it was given", async () => {
  const offsets = Object.fromEntries(
    fieldNames.map((field, index) => [field, 64 + 48 * index]),
  ) as Required<Offsets>;
  expect(await readBack(offsets)).toEqual(offsets);
});

test("a field without an offset is not in the BTF", async () => {
  const read = await readBack({ "task_struct.tgid": 1028, "sk_buff.head": 192 });
  const known = Object.entries(read).filter(([, offset]) => offset !== null);
  expect(known).toEqual([
    ["task_struct.tgid", 1028],
    ["sk_buff.head", 192],
  ]);
});

describe("a search", () => {
  const memory = [7, 3, 9, 3];

  test("with one match returns it", () => {
    expect(only("f", 0, 4, 1, (at) => memory[at] === 9)).toBe(2);
    expect(single("f", ["a"])).toBe("a");
  });

  test.each<[string, () => unknown]>([
    ["two matches", () => only("f", 0, 4, 1, (at) => memory[at] === 3)],
    ["no match", () => only("f", 0, 4, 1, (at) => memory[at] === 4)],
    ["no value", () => required("f", undefined)],
  ])("with %s is refused", (_title, search) => {
    expect(search).toThrow(UnknownOffset);
  });
});

// Documentation/x86/x86_64/mm.rst
test.each<[string, bigint, boolean]>([
  ["of the direct map", 0xffff_8880_1234_5678n, true],
  ["of the kernel's image", 0xffff_ffff_8123_4568n, true],
  ["that no kernel can map", 0xffff_7fff_0000_0000n, false],
  ["of a process", 0x0000_7fff_1234_5678n, false],
  ["that is not aligned", 0xffff_8880_1234_5674n, false],
  ["of an error", 0xffff_ffff_ffff_fff0n, false],
  ["zero", 0n, false],
])("an address %s is a place to look at: %p -> %p", (_title, address, answer) => {
  expect(isAddress(address, ADDRESS_BITS.x64)).toBe(answer);
});

test("the addresses of five levels of page tables and of arm64 are places to look at", () => {
  const fiveLevels = 0xff11_0000_0123_4560n; // the direct map of x86-64
  const fourLevels = 0xffff_8880_0123_4560n;
  const arm64 = [0xffff_0000_0123_4560n, 0xffff_8000_0123_4560n, 0xfff0_0000_0123_4560n]; // maps of 48 and 52 bits
  expect(isAddress(fiveLevels, ADDRESS_BITS.x64FiveLevels)).toBe(true);
  expect(isAddress(fourLevels, ADDRESS_BITS.x64FiveLevels)).toBe(true);
  expect(isAddress(fiveLevels, ADDRESS_BITS.x64)).toBe(false);
  expect(arm64.map((address) => isAddress(address, ADDRESS_BITS.arm64))).toEqual([true, true, true]);
  expect(isAddress(0x0000_7fff_0123_4560n, ADDRESS_BITS.x64FiveLevels)).toBe(false);
});
