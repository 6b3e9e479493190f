// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The reader of netlink attributes, on untrusted input. It follows the kernel's rules (nla_ok() and
// nla_next() of net/netlink.h) and never reads outside of the given bytes.
import { expect, test } from "bun:test";
import { readAttributes } from "../../src/ipset/attributes.ts";
import { attribute, NLA_F_NESTED, NLA_F_NET_BYTEORDER } from "../support/netlink-encoder.ts";
import { Random } from "../support/random.ts";

/** Returns the attributes as strings, so that toEqual() shows a readable difference. */
function read(bytes: Uint8Array) {
  const { attributes, malformed } = readAttributes(bytes);
  return {
    list: attributes.map(({ type, payload }) => `${type}=${payload.toHex()}`),
    malformed,
  };
}

const first = attribute(1, Buffer.from([7]));

test("returns an empty list for no bytes", () => {
  expect(read(new Uint8Array(0))).toEqual({ list: [], malformed: undefined });
});

test("returns attributes in order and without padding, for each length modulo four", () => {
  const payloads = ["", "0a", "0a0b", "0a0b0c", "0a0b0c0d", "0a0b0c0d0e"];
  const bytes = Buffer.concat(
    payloads.map((payload, index) => attribute(index, Buffer.from(payload, "hex"))),
  );
  expect(read(bytes)).toEqual({
    list: payloads.map((payload, index) => `${index}=${payload}`),
    malformed: undefined,
  });
});

test("accepts a last attribute without padding", () => {
  const bytes = Buffer.concat([first, attribute(2, Buffer.from("abcde"))]).subarray(0, 8 + 4 + 5);
  expect(read(bytes)).toEqual({ list: ["1=07", "2=6162636465"], malformed: undefined });
});

test("removes the flag bits from the type", () => {
  const bytes = Buffer.concat([
    attribute(7 | NLA_F_NESTED, Buffer.from([1])),
    attribute(6 | NLA_F_NET_BYTEORDER, Buffer.from([2])),
    attribute(11 | NLA_F_NESTED | NLA_F_NET_BYTEORDER, Buffer.from([3])),
    attribute(0x3fff, Buffer.from([4])),
  ]);
  expect(read(bytes).list).toEqual(["7=01", "6=02", "11=03", "16383=04"]);
});

test.each([0, 1, 2, 3])("ends the list at a length of %p, and reports it", (length) => {
  const bytes = Buffer.concat([first, attribute(2, Buffer.from("ab"), length), first]);
  expect(read(bytes)).toEqual({
    list: ["1=07"],
    malformed: `attribute at byte 8 says it is ${length} bytes long`,
  });
});

test.each([9, 12, 0x7fff, 0xffff])("ends the list at a length of %p where 8 bytes are left", (length) => {
  const bytes = Buffer.concat([first, attribute(2, Buffer.from("abcd"), length)]);
  expect(read(bytes)).toEqual({
    list: ["1=07"],
    malformed: `attribute at byte 8 says it is ${length} bytes long`,
  });
});

test("accepts a length that reaches exactly to the end", () => {
  expect(read(attribute(2, Buffer.from("abcd"), 8))).toEqual({ list: ["2=61626364"], malformed: undefined });
});

test.each([1, 2, 3])("reports %p stray bytes at the end", (count) => {
  const bytes = Buffer.concat([first, Buffer.alloc(count)]);
  expect(read(bytes)).toEqual({ list: ["1=07"], malformed: `${count} stray bytes at the end` });
});

test("returns each payload as a view of the bytes, not as a copy", () => {
  const bytes = Buffer.from(first);
  const [only] = readAttributes(bytes).attributes;
  bytes[4] = 99;
  expect(only?.payload).toEqual(new Uint8Array([99]));
});

test("reads nothing outside of random bytes, and never throws", () => {
  const random = new Random(4151);
  const margin = 64;
  for (let round = 0; round < 100_000; round++) {
    const length = random.below(48);
    const bytes = random.bytes(length, random.oneOf([3, 9, 256]));
    const surroundings = [0x00, 0xff].map((filler) => {
      const around = new Uint8Array(margin + length + margin).fill(filler);
      around.set(bytes, margin + (round % 4));
      return around.subarray(margin + (round % 4)).subarray(0, length);
    });
    const [inZeroes, inOnes] = surroundings.map(read);
    expect(inZeroes).toEqual(inOnes);
    for (const { payload } of readAttributes(surroundings[0] ?? bytes).attributes) {
      const start = payload.byteOffset - margin - (round % 4);
      expect(start >= 4 && start + payload.length <= length).toBe(true);
    }
  }
});
