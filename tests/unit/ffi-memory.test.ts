// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Bytes on their way to and from C. Reads memory back through raw addresses as C would, after collections
// that take unreferenced memory.
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

/** Collects garbage, and lets other buffers reuse the freed memory. */
function churn(): void {
  Bun.gc(true);
  for (let round = 0; round < 2000; round++) new Uint8Array(16 + (round % 64)).fill(0xee);
  Bun.gc(true);
}

test("a C string ends with its only NUL", () => {
  expect(cString("mine")).toEqual(new Uint8Array([0x6d, 0x69, 0x6e, 0x65, 0]));
  expect(cString("")).toEqual(new Uint8Array([0]));
  expect(cString("é€🐇").toHex()).toBe("c3a9e282acf09f908700");
});

test("a text that holds a NUL is refused, for C would see less of it", () => {
  expect(() => cString("/etc/pass\0wd")).toThrow(RangeError);
  expect(() => cString("\0")).toThrow(`"\\u0000"`);
});

test.each(["", "mine", "é€🐇", "x".repeat(100_000)])("a C string is read from its address", (text) => {
  const bytes = cString(text);
  expect(textAt(ptr(bytes))).toBe(text);
});

test("a C string is read from where C has put it in a buffer", () => {
  const buffer = new Uint8Array(64).fill(0x2e);
  buffer.set(cString("root"), 10);
  expect(textWithin(buffer, ptr(buffer) + 10)).toBe("root");
  expect(textWithin(buffer, ptr(buffer) + 14)).toBe("");
});

test("memory is shared, not copied", () => {
  const bytes = new Uint8Array(64);
  const view = new Uint8Array(memoryAt(ptr(bytes), 64));
  bytes[63] = 42;
  expect(view[63]).toBe(42);
  expect(view.length).toBe(64);
});

test("a NULL is null, an address stays one", () => {
  for (const nothing of [null, 0, 0n]) expect(asAddress(nothing)).toBeNull();
  expect(asAddress(0x7fff_dead_beef)).toBe(0x7fff_dead_beef as Address);
  expect(asAddress(0x7fff_dead_beefn)).toBe(0x7fff_dead_beef as Address);
});

test("a struct is zeroes but for its fields, in host byte order", () => {
  const struct = packStruct(32, [
    [8, 0x0102030405060708n],
    [16, 2 + 64 * 2 ** 32],
    [24, null],
  ]);
  expect(struct.toHex()).toBe(
    ["0000000000000000", "0807060504030201", "0200000040000000", "0000000000000000"].join(""),
  );
});

test.each([0, 1, 2 ** 31, 2 ** 53 - 1, 0xffff_ffff_ffff_ffffn])("a field holds %p", (value) => {
  expect(u64(packStruct(8, [[0, value]]), 0)).toBe(BigInt(value));
});

test("a field beyond the end of its struct is refused", () => {
  expect(() => packStruct(8, [[8, 1]])).toThrow(RangeError);
  expect(() => packStruct(12, [[8, 1]])).toThrow(RangeError);
});

test("an options struct begins with its size, as LIBBPF_OPTS() makes it", () => {
  expect(packOptions(24, [[16, 5]]).toHex()).toBe(
    ["1800000000000000", "0000000000000000", "0500000000000000"].join(""),
  );
});

test("a struct points to its buffers, which live as long as it does", () => {
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

test("so do the buffers of the structs that it points to", () => {
  const outer = packStruct(8, [[0, packStruct(8, [[0, cString("innermost")]])]]);
  for (let round = 0; round < 3; round++) {
    churn();
    const inner = at(u64(outer, 0), 8).readBigUInt64LE();
    expect(textAt(Number(inner) as Pointer)).toBe("innermost");
  }
});

test("a struct stays where C was told it is", () => {
  const struct = packStruct(16, [[8, 7]]);
  const address = ptr(struct);
  churn();
  expect(ptr(struct)).toBe(address);
  expect(at(BigInt(address), 16).readBigUInt64LE(8)).toBe(7n);
});
