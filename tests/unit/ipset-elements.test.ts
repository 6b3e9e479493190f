// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Elements, attribute by attribute, and what becomes of attributes that make no sense.
import { describe, expect, test } from "bun:test";
import type { Element } from "../../src/ipset/element.ts";
import { type IpsetMessage, readIpsetMessage } from "../../src/ipset/message.ts";
import * as encode from "../support/ipset-encoder.ts";
import { formatOptions, formatParts } from "../support/lines.ts";
import { attribute, bareMessage, ipsetMessage, zeroEnded } from "../support/netlink-encoder.ts";

const text = ({ parts, options }: Pick<Element, "parts" | "options">) =>
  `${formatParts({ parts })} ${formatOptions(options)}`.trim();

/** The one element of a message. */
function only(message: IpsetMessage): Element {
  const [element, ...more] = message.elements ?? [];
  if (!element || more.length > 0) throw new Error(`${message.elements?.length ?? 0} elements`);
  return element;
}
const read = (...attributes: Uint8Array[]) => readIpsetMessage(encode.addition(...attributes), true);

const v4 = (type: number, ...bytes: number[]) => encode.address(type, Buffer.from(bytes));
const ip = v4(1, 10, 0, 0, 1);
const ip2 = v4(20, 10, 0, 0, 2);
const name = (type: number, value: string) => attribute(type, zeroEnded(value));
const flags = (bits: number) => encode.u32(8, bits);
const ping = encode.u16(4, 0x0800);
const tcp = encode.u8(7, 6);

describe("an element that has", () => {
  test.each<[string, Uint8Array[], string]>([
    ["an address", [ip], "10.0.0.1"],
    ["a network", [ip, encode.u8(3, 24)], "10.0.0.1/24"],
    ["a network of one address", [ip, encode.u8(3, 32)], "10.0.0.1"],
    ["all addresses", [v4(1, 0, 0, 0, 0), encode.u8(3, 0)], "0.0.0.0/0"],
    ["a prefix that is too long", [ip, encode.u8(3, 77)], "10.0.0.1/77"],
    ["a range", [ip, v4(2, 10, 0, 0, 9)], "10.0.0.1-10.0.0.9"],
    ["a network and an end", [ip, encode.u8(3, 32), v4(2, 10, 0, 0, 9)], "10.0.0.1/32-10.0.0.9"],
    ["a port", [encode.u16(4, 80)], "80"],
    ["ports", [encode.u16(5, 90), encode.u16(4, 80)], "80-90"],
    ["a port of a protocol", [ip, encode.u16(4, 80), tcp], "10.0.0.1,tcp:80"],
    ["a port of a protocol without name", [ip, encode.u16(4, 0), encode.u8(7, 255)], "10.0.0.1,255:0"],
    ["an ICMP message", [ip, ping, encode.u8(7, 1)], "10.0.0.1,icmp:echo-request"],
    ["an ICMP message without name", [ip, encode.u16(4, 0xfffe), encode.u8(7, 1)], "10.0.0.1,icmp:255/254"],
    ["an ICMPv6 message", [ip, encode.u16(4, 0x8000), encode.u8(7, 58)], "10.0.0.1,ipv6-icmp:echo-request"],
    ["a mark", [ip, encode.u32(10, 0x63)], "10.0.0.1,0x00000063"],
    ["a MAC address", [ip, attribute(17, Buffer.from("aabbccddee0f", "hex"))], "10.0.0.1,AA:BB:CC:DD:EE:0F"],
    ["two networks", [ip2, encode.u8(21, 16), ip, encode.u8(3, 24)], "10.0.0.1/24,10.0.0.2/16"],
    ["two ranges", [ip, v4(2, 1, 1, 1, 1), ip2, v4(22, 2, 2, 2, 2)], "10.0.0.1-1.1.1.1,10.0.0.2-2.2.2.2"],
    ["a port between", [ip2, encode.u16(4, 1), tcp, ip], "10.0.0.1,tcp:1,10.0.0.2"],
    ["an interface", [ip, name(23, "eth0")], "10.0.0.1,eth0"],
    ["a bridge's port", [ip, name(23, "eth0"), flags(2)], "10.0.0.1,physdev:eth0"],
    ["an interface that is called like one", [ip, name(23, "physdev:x")], '10.0.0.1,"physdev:x"'],
    ["an interface with a comma", [ip, name(23, "a,b")], '10.0.0.1,"a,b"'],
    ["a hostile interface", [ip, name(23, "a\n\x1b")], '10.0.0.1,"a\\n\\x1b"'],
    ["a set", [name(18, "b")], "b"],
    ["a set before another", [name(18, "b"), name(19, "c"), flags(1)], "b before c"],
    ["a set after another", [name(18, "b"), name(19, "c")], "b after c"],
    ["a timeout", [ip, encode.u32(6, 0xffffffff)], "10.0.0.1 timeout 4294967295"],
    ["nomatch", [ip, flags(4)], "10.0.0.1 nomatch"],
    ["a wildcard", [ip, name(23, "e"), flags(0x86)], "10.0.0.1,physdev:e nomatch wildcard"],
    [
      "counters",
      [ip, encode.u64(24, 2n ** 64n - 1n), encode.u64(25, 0n)],
      "10.0.0.1 packets 0 bytes 18446744073709551615",
    ],
    ["a comment", [ip, name(26, "a b")], '10.0.0.1 comment "a b"'],
    ["a hostile comment", [ip, name(26, 'x" nomatch\n')], String.raw`10.0.0.1 comment "x\" nomatch\n"`],
    ["an empty comment", [ip, attribute(26, Buffer.alloc(0))], '10.0.0.1 comment ""'],
    ["a mark for packets", [ip, encode.u64(27, 0x1100000000n + 0xffffffffn)], "10.0.0.1 skbmark 0x11"],
    ["a mark and a mask", [ip, encode.u64(27, 0xffffffff_00000001n)], "10.0.0.1 skbmark 0xffffffff/0x1"],
    ["a priority", [ip, encode.u32(28, 0xffff000a)], "10.0.0.1 skbprio ffff:a"],
    ["a queue", [ip, encode.u16(29, 65535)], "10.0.0.1 skbqueue 65535"],
  ])("%s", (_, attributes, expected) => {
    const message = read(...attributes);
    const { unknown, malformed } = only(message);
    expect({ text: text(only(message)), unknown, malformed }).toEqual({
      text: expected,
      unknown: [],
      malformed: undefined,
    });
    expect(message.unknown).toBeUndefined();
  });
});

test.each<[string, string]>([
  ["00000000000000000000000000000000", "::"],
  ["00000000000000000000000000000001", "::1"],
  ["00010000000000000000000000000000", "1::"],
  ["00000001000000000000000000000001", "0:1::1"],
  ["00010000000000020000000000030004", "1::2:0:0:3:4"],
  ["00010002000300040005000600070008", "1:2:3:4:5:6:7:8"],
  ["00010000000300040005000600070008", "1:0:3:4:5:6:7:8"],
  ["0000000000000000000000000a000001", "::10.0.0.1"],
  ["00000000000000000000000000010000", "::0.1.0.0"],
  ["00000000000000000000ffff0a000001", "::ffff:10.0.0.1"],
  ["00000000000000000000fffe0a000001", "::fffe:a00:1"],
  ["000000000000000000010000ffff0001", "::1:0:ffff:1"],
])("the IPv6 address %s is %s", (hex, expected) => {
  expect(formatParts(only(read(encode.address(1, Buffer.from(hex, "hex")))))).toBe(expected);
});

test("command attributes and headers are read", () => {
  const bytes = ipsetMessage(
    13,
    attribute(3, zeroEnded("hash:ip")),
    encode.u8(4, 6),
    encode.u8(5, 10),
    encode.u32(6, 0x80000001),
    encode.u32(9, 77),
    encode.u8(10, 6),
  );
  expect(readIpsetMessage(bytes, true)).toEqual({
    command: "TYPE",
    commandNumber: 13,
    header: { length: bytes.length, flags: 5, sequence: 1616112000 },
    typeName: new Uint8Array(Buffer.from("hash:ip")),
    ...{ protocol: 7, protocolMin: 6, revision: 6, family: 10, flags: 0x80000001, lineNumber: 77 },
  });
});

/** Returns the unknown attributes of a message, on all levels. */
const leftOver = ({ unknown = [], elements }: IpsetMessage) =>
  [...unknown, ...[...(elements ?? [])].flatMap((element) => element.unknown)].map(
    ({ level, number, bytes }) => `${level} ${number} ${bytes.toHex()}`,
  );

describe("kept as unknown:", () => {
  const one = Buffer.from([1]);
  test.each<[string, Buffer, string[]]>([
    ["an attribute of a command", ipsetMessage(3, attribute(99, one)), ["command 99 01"]],
    ["data where no command takes it", ipsetMessage(3, attribute(7, one)), ["command 7 01"]],
    ["an attribute of an element", encode.addition(ip, attribute(44, one)), ["element 44 01"]],
    ["an option of sets, at an element", encode.addition(ip, attribute(11, one)), ["element 11 01"]],
    ["an option of elements, at a set", encode.creation("hash:ip", 2, attribute(26, one)), ["create 26 01"]],
    ["what is no element in a batch", ipsetMessage(9, encode.batch(attribute(8, one))), ["batch 8 01"]],
    ["an end without a beginning", encode.addition(v4(2, 1, 2, 3, 4)), ["element 2 0800014001020304"]],
    ["a prefix without an address", encode.addition(encode.u8(3, 8)), ["element 3 08"]],
    ["a protocol without a port", encode.addition(ip, tcp), ["element 7 06"]],
    ["physdev without an interface", encode.addition(ip, flags(2)), ["element 8 00000002"]],
    ["before without a set", encode.addition(ip, flags(1)), ["element 8 00000001"]],
    ["a flag without a name", encode.addition(ip, flags(0x104)), ["element 8 00000104"]],
    ["such a flag of a set", encode.creation("hash:ip", 2, flags(0x180)), ["create 8 00000180"]],
    ["the first of two that are equal", encode.addition(tcp, encode.u8(7, 17), ping), ["element 7 06"]],
  ])("%s", (_, bytes, expected) => {
    const message = readIpsetMessage(bytes, true);
    expect(leftOver(message)).toEqual(expected);
    expect(message.malformed).toBeUndefined();
  });
});

test("of flags of which one has no name the others count", () => {
  expect(text(only(read(ip, flags(0x104))))).toBe("10.0.0.1 nomatch");
});

describe("malformed:", () => {
  const short = (type: number, hex: string) => attribute(type, Buffer.from(hex, "hex"));
  test.each<[string, Buffer, string, string[]]>([
    [
      "a short timeout",
      encode.addition(ip, short(6, "0001")),
      "element 1: a timeout of 2 bytes",
      ["element 6 0001"],
    ],
    ["a long prefix", encode.addition(ip, short(3, "1801")), "element 1: a prefix length of 2 bytes", []],
    [
      "a short MAC address",
      encode.addition(short(17, "aabb")),
      "element 1: a MAC address of 2 bytes",
      ["element 17 aabb"],
    ],
    [
      "a short address",
      encode.addition(encode.nested(1, short(1, "0a0000"))),
      "element 1: an address that is neither IPv4 nor IPv6",
      ["element 1 070001000a000000"],
    ],
    [
      "a long address",
      encode.addition(encode.nested(1, short(1, "0a00000101"))),
      "element 1: an address of 5 bytes",
      [],
    ],
    [
      "two addresses",
      encode.addition(encode.nested(1, short(1, "0a000001"), short(2, "00".repeat(16)))),
      "element 1: more than one address where one is expected",
      [`address 2 ${"00".repeat(16)}`],
    ],
    [
      "an address without bytes",
      encode.addition(short(1, "")),
      "element 1: an address that is neither IPv4 nor IPv6",
      ["element 1 "],
    ],
    [
      "a lying length in an element",
      encode.addition(ip, attribute(6, Buffer.alloc(4), 3)),
      "element 1: attribute at byte 12 says it is 3 bytes long",
      [],
    ],
    [
      "a lying length in options",
      encode.creation("hash:ip", 2, attribute(6, Buffer.alloc(4), 99)),
      "options: attribute at byte 0 says it is 99 bytes long",
      [],
    ],
    [
      "a lying length in a batch",
      ipsetMessage(9, encode.batch(encode.element(ip), attribute(7, ip, 99))),
      "batch: attribute at byte 16 says it is 99 bytes long",
      [],
    ],
    [
      "a name that is too long",
      encode.addition(name(18, "n".repeat(32))),
      "element 1: a name of 32 bytes",
      [],
    ],
    [
      "an interface name that is too long",
      encode.addition(ip, name(23, "n".repeat(16))),
      "element 1: an interface name of 16 bytes",
      [],
    ],
    [
      "a comment that is too long",
      encode.addition(ip, name(26, "n".repeat(256))),
      "element 1: a comment of 256 bytes",
      [],
    ],
  ])("%s", (_, bytes, malformed, unknown) => {
    const message = readIpsetMessage(bytes, true);
    expect({ malformed: message.malformed, unknown: leftOver(message) }).toEqual({ malformed, unknown });
  });

  test("the element at fault is named, the others are read", () => {
    const bytes = ipsetMessage(9, encode.batch(encode.element(ip), encode.element(short(6, "01"), ip2)));
    const message = readIpsetMessage(bytes, true);
    expect(message.malformed).toBe("element 2: a timeout of 1 bytes");
    expect([...(message.elements ?? [])].map(text)).toEqual(["10.0.0.1", "10.0.0.2"]);
  });
});

test("of a batch that a capture cut, the elements that are whole are read", () => {
  const elements = [1, 2, 3].map((last) => encode.element(v4(1, 10, 0, 0, last), encode.u32(9, last)));
  const bytes = ipsetMessage(9, encode.setName("a"), encode.batch(...elements));
  const start = bytes.length - elements.length * 24;
  for (let length = 20; length < bytes.length; length++) {
    const { elements, malformed, unknown } = readIpsetMessage(bytes.subarray(0, length), false);
    expect(elements?.length ?? 0).toBe(Math.max(0, Math.floor((length - start) / 24)));
    expect({ malformed, unknown }).toEqual({ malformed: undefined, unknown: undefined });
  }
});

test("a command without elements or options has none, one that has them may have none of them", () => {
  const read = (command: number) => readIpsetMessage(bareMessage(command), true);
  expect(read(2).options).toEqual([]);
  for (const command of [9, 10, 11]) expect(read(command).elements).toHaveLength(0);
  for (const command of [1, 3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 16]) {
    expect([read(command).options, read(command).elements]).toEqual([undefined, undefined]);
  }
});
