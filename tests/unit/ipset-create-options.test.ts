// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The options of a new set, attribute by attribute, as `ipset save` writes them.
import { describe, expect, test } from "bun:test";
import { readIpsetMessage } from "../../src/ipset/message.ts";
import * as encode from "../support/ipset-encoder.ts";
import { formatOptions } from "../support/lines.ts";

const v4 = (type: number, ...bytes: number[]) => encode.address(type, Buffer.from(bytes));
const ip = v4(1, 10, 0, 0, 1);
const flags = (bits: number) => encode.u32(8, bits);

describe("the options of a set that has", () => {
  const inet = "family inet";
  test.each<[string, [string, number, ...Uint8Array[]], string]>([
    ["none", ["hash:ip", 2], inet],
    ["another family", ["hash:ip", 10], "family inet6"],
    ["no choice of a family", ["hash:mac", 0], ""],
    ["a family that it cannot choose", ["bitmap:ip", 2, ip, v4(2, 10, 0, 0, 9)], "range 10.0.0.1-10.0.0.9"],
    ["a network", ["bitmap:ip", 2, ip, encode.u8(3, 31)], "range 10.0.0.0-10.0.0.1"],
    [
      "a high network",
      ["bitmap:ip", 2, v4(1, 255, 1, 2, 3), encode.u8(3, 8)],
      "range 255.0.0.0-255.255.255.255",
    ],
    ["all addresses", ["bitmap:ip", 2, ip, encode.u8(3, 0)], "range 0.0.0.0-255.255.255.255"],
    ["ports", ["bitmap:port", 0, encode.u16(4, 0), encode.u16(5, 65535)], "range 0-65535"],
    ["a hash size", ["hash:ip", 2, encode.u32(18, 1024)], `${inet} hashsize 1024`],
    ["a limit", ["hash:ip", 2, encode.u32(19, 4)], `${inet} maxelem 4`],
    ["a netmask", ["hash:ip", 2, encode.u8(20, 24)], `${inet} netmask 24`],
    ["a bitmask", ["hash:ip", 2, v4(12, 255, 0, 0, 255)], `${inet} bitmask 255.0.0.255`],
    ["a mark mask", ["hash:ip,mark", 2, encode.u32(11, 0xff)], `${inet} markmask 0x000000ff`],
    ["a timeout", ["hash:ip", 2, encode.u32(6, 0)], `${inet} timeout 0`],
    ["extensions", ["hash:ip", 2, flags(0x78)], `${inet} counters comment forceadd skbinfo`],
    ["a bucket size", ["hash:ip", 2, encode.u8(21, 4)], `${inet} bucketsize 4`],
    ["a seed", ["hash:ip", 2, encode.u32(17, 0xdeadbeef)], `${inet} initval 0xdeadbeef`],
    ["a resize factor", ["hash:ip", 2, encode.u8(22, 50)], `${inet} resize 50`],
    ["a size", ["list:set", 0, encode.u32(23, 8)], "size 8"],
  ])("%s", (_, [typeName, family, ...attributes], expected) => {
    const message = readIpsetMessage(encode.creation(typeName, family, ...attributes), true);
    expect(formatOptions(message.options ?? [])).toBe(expected);
    expect({ ...message, malformed: undefined }).not.toHaveProperty("unknown");
    expect(message.malformed).toBeUndefined();
    expect(message.family).toBe(family);
  });
});
