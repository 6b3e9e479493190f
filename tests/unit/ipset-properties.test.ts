// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// For any bytes: nothing throws, the decoder reads nothing outside of them, and the output is harmless.
// Each encoded element is decoded to itself.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { readIpsetMessage } from "../../src/ipset/message.ts";
import type { Option, Value } from "../../src/ipset/values.ts";
import * as encode from "../support/ipset-encoder.ts";
import { formatOptions, formatParts } from "../support/lines.ts";
import { attribute, bareMessage, ipsetMessage } from "../support/netlink-encoder.ts";

const MARGIN = 64;

/** The bytes with something else around them. */
function surrounded(bytes: Uint8Array, filler: number): Uint8Array {
  const around = new Uint8Array(MARGIN + bytes.length + MARGIN).fill(filler);
  around.set(bytes, MARGIN);
  return around.subarray(MARGIN, MARGIN + bytes.length);
}

/** Every array of bytes within a decoded message. */
function byteArrays(value: unknown): Uint8Array[] {
  if (value instanceof Uint8Array) return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(byteArrays);
}

/** Returns the message with all its elements. Expects that each way to ask an element gives the same. */
function readWhole(bytes: Uint8Array, isWhole: boolean) {
  const { elements, ...rest } = readIpsetMessage(bytes, isWhole);
  const whole = [...(elements ?? [])];
  expect(whole.map((_, index) => elements?.lineNumber(index))).toEqual(
    whole.map(({ lineNumber }) => lineNumber),
  );
  const malformed = whole.findIndex((element) => element.malformed !== undefined);
  if (malformed >= 0) expect(rest.malformed).toBeString();
  if (rest.malformed?.startsWith("element")) {
    expect(rest.malformed).toBe(`element ${malformed + 1}: ${whole[malformed]?.malformed}`);
  }
  return { ...rest, elements: whole };
}

const harmless = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]*$/u;

function checkReading(bytes: Uint8Array, isWhole: boolean): void {
  const inZeroes = surrounded(bytes, 0x00);
  const message = readWhole(inZeroes, isWhole);
  expect(readWhole(surrounded(bytes, 0xff), isWhole)).toEqual(message);
  for (const { buffer, byteOffset, length } of byteArrays(message)) {
    if (buffer !== inZeroes.buffer) continue; // computed, not a view
    expect(byteOffset >= MARGIN && byteOffset + length <= MARGIN + bytes.length).toBe(true);
  }
  const { options = [], elements } = message;
  const texts = elements.map((element) => `${formatParts(element)} ${formatOptions(element.options)}`);
  for (const text of [formatOptions(options), ...texts]) expect(text).toMatch(harmless);
}

test("any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), checkReading), { numRuns: 5000 });
});

/** Attributes within attributes, of types that mean something more often than not; some lie. */
const attributes = fc.letrec<{ list: Buffer; one: Buffer }>((tie) => ({
  list: fc.array(tie("one"), { maxLength: 6, depthIdentifier: "depth" }).map((list) => Buffer.concat(list)),
  one: fc
    .tuple(
      fc.oneof({ weight: 9, arbitrary: fc.nat(31) }, { weight: 1, arbitrary: fc.nat(0xffff) }),
      fc.oneof(
        { depthIdentifier: "depth", maxDepth: 4 },
        fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
        tie("list"),
      ),
      fc.option(fc.nat(0xffff), { freq: 20, nil: undefined }),
    )
    .map(([type, payload, lie]) => attribute(type, payload, lie)),
})).list;

const messages = fc
  .tuple(
    fc.nat(16),
    fc.oneof(
      attributes,
      attributes.map((list) => encode.element(list)),
      attributes.map((list) => encode.batch(encode.element(list), list)),
    ),
    fc.nat(600),
  )
  .map(([command, list, length]) => bareMessage(command, list).subarray(0, 20 + length));

test("any attributes within attributes", () => {
  fc.assert(fc.property(messages, fc.boolean(), checkReading), { numRuns: 20_000 });
});

const recorded = readFileSync(join(import.meta.dir, "../fixtures/messages/messages.txt"), "utf8")
  .trimEnd()
  .split("\n")
  .flatMap((line) => (line.startsWith("#") ? [] : [Buffer.from(line.split("\t")[2] ?? "", "hex")]));

test("real messages, cut anywhere", () => {
  for (const bytes of recorded) {
    for (let length = 0; length < bytes.length; length++) {
      for (const isWhole of [true, false]) checkReading(bytes.subarray(0, length), isWhole);
    }
  }
});

test("real messages with some bytes changed", () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...recorded), changes, (original, changes) => {
      const bytes = Buffer.from(original);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      checkReading(bytes, true);
    }),
    { numRuns: 20_000 },
  );
});

test("the longest message of the shortest attributes needs little time", () => {
  const room = 16384 - 28;
  const empty = attribute(7, Buffer.alloc(0));
  const many = Buffer.concat(Array.from({ length: room / 4 }, () => empty));
  for (const bytes of [
    bareMessage(9, encode.batch(many)),
    bareMessage(9, encode.element(many)),
    bareMessage(2, many),
  ]) {
    const startMs = performance.now();
    const { elements, unknown = [] } = readIpsetMessage(bytes, true);
    expect(performance.now() - startMs).toBeLessThan(500);
    expect((elements?.length ?? 0) + unknown.length).toBeLessThanOrEqual(room / 4 + 1);
  }
});

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const ipBytes = fc.oneof(bytesOf(4), bytesOf(16));
const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
/** A name or a comment: any bytes but NUL. */
const stranger = (maxLength: number) => fc.uint8Array({ min: 1, maxLength });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const zeroEnded = (bytes: Uint8Array) => Buffer.concat([bytes, Buffer.alloc(1)]);
const piece = (attributes: Uint8Array[], part: Value): encode.Piece => ({ attributes, parts: [part] });
const optionPiece = (option: Option, ...attributes: Uint8Array[]): encode.Piece => ({
  attributes,
  options: [option],
});
const withValue = (name: string, value: Value): Option => ({ name, value });
const given = <T>(value: T | undefined, encode: (value: T) => Uint8Array) =>
  value === undefined ? [] : [encode(value)];

const addresses = (numbers: { ip: number; to: number; prefix: number }) =>
  fc
    .tuple(ipBytes, maybe(u8), maybe(ipBytes))
    .map(([from, prefix, to]) =>
      piece(
        [
          encode.address(numbers.ip, from),
          ...given(prefix, (prefix) => encode.u8(numbers.prefix, prefix)),
          ...given(to, (to) => encode.address(numbers.to, to)),
        ],
        { kind: "addresses", from, prefix, to },
      ),
    );

/** The parts of an element, in the order of the text. */
const pieces: fc.Arbitrary<encode.Piece>[] = [
  addresses({ ip: 1, to: 2, prefix: 3 }),
  fc
    .tuple(u16, maybe(u16), maybe(u8))
    .map(([from, to, protocol]) =>
      piece(
        [
          encode.u16(4, from),
          ...given(to, (to) => encode.u16(5, to)),
          ...given(protocol, (protocol) => encode.u8(7, protocol)),
        ],
        { kind: "ports", protocol, from, to },
      ),
    ),
  u32.map((bits) => piece([encode.u32(10, bits)], { kind: "bits", bits })),
  bytesOf(6).map((address) => piece([attribute(17, address)], { kind: "mac", address })),
  addresses({ ip: 20, to: 22, prefix: 21 }),
  fc.tuple(stranger(15), fc.boolean()).map(([name, isPhysdev]) => ({
    ...piece([attribute(23, zeroEnded(name))], { kind: "interface", name, isPhysdev }),
    flags: isPhysdev ? 2 : 0,
  })),
  stranger(31).map((name) => piece([attribute(18, zeroEnded(name))], { kind: "set", name })),
  fc.tuple(stranger(31), fc.boolean()).map(([name, isBefore]) => ({
    ...optionPiece(
      withValue(isBefore ? "before" : "after", { kind: "set", name }),
      attribute(19, zeroEnded(name)),
    ),
    flags: isBefore ? 1 : 0,
  })),
  u32.map((number) => optionPiece(withValue("timeout", { kind: "number", number }), encode.u32(6, number))),
  fc.constant({ attributes: [], flags: 4, options: [{ name: "nomatch" }] }),
  u64.map((number) => optionPiece(withValue("packets", { kind: "number", number }), encode.u64(25, number))),
  u64.map((number) => optionPiece(withValue("bytes", { kind: "number", number }), encode.u64(24, number))),
  stranger(255).map((text) =>
    optionPiece(withValue("comment", { kind: "comment", text }), attribute(26, zeroEnded(text))),
  ),
  fc
    .tuple(u32, u32)
    .map(([mark, mask]) =>
      optionPiece(
        withValue("skbmark", { kind: "skbmark", mark, mask }),
        encode.u64(27, (BigInt(mark) << 32n) | BigInt(mask)),
      ),
    ),
  fc
    .tuple(u16, u16)
    .map(([major, minor]) =>
      optionPiece(
        withValue("skbprio", { kind: "skbprio", major, minor }),
        encode.u32(28, major * 65536 + minor),
      ),
    ),
  u16.map((number) => optionPiece(withValue("skbqueue", { kind: "number", number }), encode.u16(29, number))),
];

const elements = fc
  .tuple(fc.tuple(...pieces.map(maybe)), fc.infiniteStream(fc.nat()))
  .map(([chosen, randomness]) => {
    const present = chosen.filter((piece) => piece !== undefined);
    const shuffle = <T>(items: T[]): T[] => {
      const left = [...items];
      return items.flatMap(() => left.splice((randomness.next().value ?? 0) % left.length, 1));
    };
    return {
      bytes: encode.elementOf(present, shuffle),
      parts: present.flatMap(({ parts = [] }) => parts),
      options: present.flatMap(({ options = [] }) => options),
    };
  });

test("decodes elements as they were encoded, with any parts in any order", () => {
  fc.assert(
    fc.property(fc.array(elements, { maxLength: 4 }), (expected) => {
      const message = ipsetMessage(encode.ADD, encode.batch(...expected.map(({ bytes }) => bytes)));
      const { elements, unknown, malformed } = readWhole(new Uint8Array(message), true);
      expect({ unknown, malformed }).toEqual({ unknown: undefined, malformed: undefined });
      expect(elements.flatMap((element) => element.unknown)).toEqual([]);
      const read = elements.map(({ parts, options }) => ({ parts, options }));
      expect(read).toEqual(expected.map(({ parts, options }) => ({ parts, options })));
    }),
    { numRuns: 3000 },
  );
});
