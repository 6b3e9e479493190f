// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Kernel versions, as distributions write them and as old kernels compare them.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { vdsoVersionCode, versionNote } from "../../src/core/ffi/vdso.ts";
import {
  isBefore,
  type KernelVersion,
  kernelVersionCode,
  parseKernelVersion,
  runningKernel,
} from "../../src/core/kernel-version.ts";

const releases: [string, KernelVersion][] = [
  ["4.15", [4, 15, 0]],
  ["4.15.18", [4, 15, 18]],
  ["4.15.0-213-generic", [4, 15, 0]],
  ["4.18.0-553.el8_10.x86_64", [4, 18, 0]],
  ["6.1.0-37-amd64", [6, 1, 0]],
  ["6.12.43+deb13-amd64", [6, 12, 43]],
  ["7.2-rc3", [7, 2, 0]],
  ["5.10.0", [5, 10, 0]],
  ["10.0.1", [10, 0, 1]],
];

test.each(releases)("%s is read", (text, version) => {
  expect(parseKernelVersion(text)).toEqual(version);
});

test.each(["", "4", "v4.15", "4.", ".15", "linux-4.15", "-4.15", " 4.15", "4,15"])(
  "%j is no version",
  (text) => {
    expect(parseKernelVersion(text)).toBeUndefined();
  },
);

test("versions are ordered by their numbers, not by their text", () => {
  const ascending: KernelVersion[] = [
    [4, 15, 0],
    [4, 15, 18],
    [4, 17, 0],
    [5, 0, 0],
    [5, 8, 0],
    [5, 10, 0],
    [6, 1, 0],
    [10, 0, 0],
  ];
  for (const [i, a] of ascending.entries()) {
    for (const [j, b] of ascending.entries()) expect(isBefore(a, b)).toBe(i < j);
  }
});

test("the code is KERNEL_VERSION() of linux/version.h, which is 8 bits wide for the patch", () => {
  expect(kernelVersionCode([4, 15, 18])).toBe(0x040f12);
  expect(kernelVersionCode([4, 15, 0])).toBe(265984);
  expect(kernelVersionCode([4, 14, 255])).toBe(0x040eff);
  expect(kernelVersionCode([4, 14, 336])).toBe(0x040eff);
});

test("the running kernel's version begins its own release", () => {
  const [major, minor] = runningKernel();
  expect(readFileSync("/proc/sys/kernel/osrelease", "utf8")).toStartWith(`${major}.${minor}`);
});

test("the vDSO tells the code of the version that this kernel's release begins with", () => {
  const code = vdsoVersionCode() ?? 0;
  expect([code >> 16, (code >> 8) & 255]).toEqual(runningKernel().slice(0, 2) as number[]);
});

/** struct elf_note. */
function note(name: string, type: number, description: number[]): Buffer {
  const words = new Uint32Array([name.length + 1, 4 * description.length, type]);
  const padded = Buffer.alloc((name.length + 4) & ~3);
  padded.write(name);
  return Buffer.concat([Buffer.from(words.buffer), padded, Buffer.from(new Uint32Array(description).buffer)]);
}

const view = (...notes: Buffer[]): DataView => new DataView(new Uint8Array(Buffer.concat(notes)).buffer);

test("the note is found among others", () => {
  const id = note("GNU", 3, [1, 2, 3, 4, 5]);
  const build = note("Linux", 0x100, [7]);
  expect(versionNote(view(id, build, note("Linux", 0, [0x40f01])))).toBe(0x40f01);
  expect(versionNote(view(id, build))).toBeUndefined();
  expect(versionNote(view(note("Linux", 0, [0x40f01]).subarray(0, 20)))).toBeUndefined();
});
