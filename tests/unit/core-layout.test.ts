// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The writer and the reader of structs use the layout of C. The expected bytes come from node's Buffer.
import { describe, expect, test } from "bun:test";
import { type Layout, structOf, writeField, writeStruct } from "../../src/core/layout.ts";

const layout = {
  byte: [0, "u8"],
  tiny: [1, "s8"],
  half: [2, "u16"],
  low: [4, "s16"],
  word: [8, "u32"],
  number: [12, "s32"],
  mask: [16, "u64"],
  offset: [24, "s64"],
  name: [32, "string", 6],
  mac: [38, "bytes", 6],
} as const satisfies Layout;
const SIZE = 44;

type Numbers = Record<"byte" | "tiny" | "half" | "low" | "word" | "number", number> &
  Record<"mask" | "offset", bigint>;

/** Returns the bytes of a struct, written by Buffer. */
function bytesOf(values: Numbers, name: string, mac: number[]): Buffer {
  const bytes = Buffer.alloc(SIZE);
  bytes.writeUInt8(values.byte, 0);
  bytes.writeInt8(values.tiny, 1);
  bytes.writeUInt16LE(values.half, 2);
  bytes.writeInt16LE(values.low, 4);
  bytes.writeUInt32LE(values.word, 8);
  bytes.writeInt32LE(values.number, 12);
  bytes.writeBigUInt64LE(values.mask, 16);
  bytes.writeBigInt64LE(values.offset, 24);
  bytes.write(name, 32);
  bytes.set(mac, 38);
  return bytes;
}

const cases: [what: string, values: Numbers][] = [
  [
    "the min numbers",
    {
      byte: 0,
      tiny: -128,
      half: 0,
      low: -32768,
      word: 0,
      number: -(2 ** 31),
      mask: 0n,
      offset: -(2n ** 63n),
    },
  ],
  [
    "the max numbers",
    {
      byte: 255,
      tiny: 127,
      half: 65535,
      low: 32767,
      word: 2 ** 32 - 1,
      number: 2 ** 31 - 1,
      mask: 2n ** 64n - 1n,
      offset: 2n ** 63n - 1n,
    },
  ],
  [
    "minus one",
    { byte: 1, tiny: -1, half: 2, low: -1, word: 3, number: -1, mask: 0x8877665544332211n, offset: -1n },
  ],
];

describe.each(cases)("%s", (_, values) => {
  const mac = [1, 2, 3, 4, 5, 255];
  const expected = bytesOf(values, "eth0", mac);

  test.each([0, 3, 8])("are written at byte %d of a view, and change no byte around them", (shift) => {
    const memory = new Uint8Array(4 + shift + SIZE + 4).fill(0xee);
    memory.fill(0, 4 + shift, 4 + shift + SIZE);
    const view = new DataView(memory.buffer, 4);
    writeStruct(view, shift, layout, {
      ...values,
      name: new TextEncoder().encode("eth0"),
      mac: new Uint8Array(mac),
    });
    const around = [...memory.subarray(0, 4 + shift), ...memory.subarray(4 + shift + SIZE)];
    expect(new Set(around)).toEqual(new Set([0xee]));
    expect(memory.slice(4 + shift, 4 + shift + SIZE)).toEqual(new Uint8Array(expected));
  });

  test.each([0, 3, 8])("are read from byte %d of a view", (shift) => {
    const memory = new Uint8Array(4 + shift + SIZE);
    memory.set(expected, 4 + shift);
    const Struct = structOf(layout);
    const struct = new Struct(new DataView(memory.buffer, 4), shift);
    const numbers = Object.keys(values) as (keyof Numbers)[];
    expect<object>(Object.fromEntries(numbers.map((name) => [name, struct[name]]))).toEqual(values);
    expect([Buffer.from(struct.name).toString(), [...struct.mac]]).toEqual(["eth0", mac]);
  });
});

test("reads a string that fills its field, without a NUL", () => {
  const view = new DataView(new ArrayBuffer(SIZE));
  writeField(view, 0, layout.name, new TextEncoder().encode("wlan10"));
  writeField(view, 0, layout.mac, new Uint8Array([7]));
  const { name } = new (structOf(layout))(view, 0);
  expect(Buffer.from(name).toString()).toBe("wlan10");
});

test("refuses bytes longer than the field, and writes nothing", () => {
  const view = new DataView(new ArrayBuffer(SIZE));
  for (const field of [layout.name, layout.mac]) {
    expect(() => writeField(view, 0, field, new Uint8Array(7).fill(1))).toThrow(RangeError);
  }
  expect(new Uint8Array(view.buffer)).toEqual(new Uint8Array(SIZE));
});
