// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Memory that C shares with TypeScript. The tests read it through raw addresses, as C does, after garbage
// collections that free unreferenced memory.
import { type Pointer, ptr, toBuffer } from "bun:ffi";
import { expect, test } from "bun:test";
import {
  type Address,
  asAddress,
  cString,
  memoryAt,
  packOptions,
  packStruct,
  textAt,
  textWithin,
} from "../../src/core/ffi/memory.ts";

const at = (address: bigint, length: number) => toBuffer(Number(address) as Pointer, 0, length);
const u64 = (struct: Uint8Array, offset: number) =>
  new DataView(struct.buffer, struct.byteOffset).getBigUint64(offset, true);

/** Collects garbage, and overwrites the freed memory with new arrays. */
function churn(): void {
  Bun.gc(true);
  for (let round = 0; round < 2000; round++) new Uint8Array(16 + (round % 64)).fill(0xee);
  Bun.gc(true);
}

test("a C string has one NUL, at its end", () => {
  expect(cString("mine")).toEqual(new Uint8Array([0x6d, 0x69, 0x6e, 0x65, 0]));
  expect(cString("")).toEqual(new Uint8Array([0]));
  expect(cString("é€🐇").toHex()).toBe("c3a9e282acf09f908700");
});

test("refuses a text that contains a NUL, because C would truncate it there", () => {
  expect(() => cString("/etc/pass\0wd")).toThrow(RangeError);
  expect(() => cString("\0")).toThrow(`"\\u0000"`);
});

test.each(["", "mine", "é€🐇", "x".repeat(100_000)])("reads a C string from its address", (text) => {
  const bytes = cString(text);
  expect(textAt(ptr(bytes))).toBe(text);
});

test("reads a C string at an address inside of a buffer", () => {
  const buffer = new Uint8Array(64).fill(0x2e);
  buffer.set(cString("root"), 10);
  expect(textWithin(buffer, ptr(buffer) + 10)).toBe("root");
  expect(textWithin(buffer, ptr(buffer) + 14)).toBe("");
});

test("shares memory, and does not copy it", () => {
  const bytes = new Uint8Array(64);
  const view = new Uint8Array(memoryAt(ptr(bytes), 64));
  bytes[63] = 42;
  expect(view[63]).toBe(42);
  expect(view.length).toBe(64);
});

test("converts NULL to null, and keeps other addresses", () => {
  for (const nothing of [null, 0, 0n]) expect(asAddress(nothing)).toBeNull();
  expect(asAddress(0x7fff_dead_beef)).toBe(0x7fff_dead_beef as Address);
  expect(asAddress(0x7fff_dead_beefn)).toBe(0x7fff_dead_beef as Address);
});

test("a struct has its fields in host byte order, and zeroes between them", () => {
  const struct = packStruct(32, [
    [8, 0x0102030405060708n],
    [16, 2 + 64 * 2 ** 32],
    [24, null],
  ]);
  expect(struct.toHex()).toBe(
    ["0000000000000000", "0807060504030201", "0200000040000000", "0000000000000000"].join(""),
  );
});

test.each([0, 1, 2 ** 31, 2 ** 53 - 1, 0xffff_ffff_ffff_ffffn])("a field keeps the number %p", (value) => {
  expect(u64(packStruct(8, [[0, value]]), 0)).toBe(BigInt(value));
});

test("refuses a field beyond the end of its struct", () => {
  expect(() => packStruct(8, [[8, 1]])).toThrow(RangeError);
  expect(() => packStruct(12, [[8, 1]])).toThrow(RangeError);
});

test("an options struct begins with its size, like one of LIBBPF_OPTS()", () => {
  expect(packOptions(24, [[16, 5]]).toHex()).toBe(
    ["1800000000000000", "0000000000000000", "0500000000000000"].join(""),
  );
});

test("the buffers of a struct live as long as the struct", () => {
  const structs = Array.from({ length: 500 }, (_, number) =>
    packStruct(16, [
      [0, cString(`name ${number}`)],
      [8, new Uint8Array(5000).fill(number)],
    ]),
  );
  for (let round = 0; round < 3; round++) {
    churn();
    for (const [number, struct] of structs.entries()) {
      expect(textAt(Number(u64(struct, 0)) as Pointer)).toBe(`name ${number}`);
      expect(at(u64(struct, 8), 5000).equals(Buffer.alloc(5000, number))).toBe(true);
    }
  }
});

test("the buffers of an inner struct live as long as the outer struct", () => {
  const outer = packStruct(8, [[0, packStruct(8, [[0, cString("innermost")]])]]);
  for (let round = 0; round < 3; round++) {
    churn();
    const inner = at(u64(outer, 0), 8).readBigUInt64LE();
    expect(textAt(Number(inner) as Pointer)).toBe("innermost");
  }
});

test("a struct keeps its address during garbage collection", () => {
  const struct = packStruct(16, [[8, 7]]);
  const address = ptr(struct);
  churn();
  expect(ptr(struct)).toBe(address);
  expect(at(BigInt(address), 16).readBigUInt64LE(8)).toBe(7n);
});
