// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The requests of the self-test, byte for byte, against an encoder of the tests alone.
import { describe, expect, test } from "bun:test";
import type { Command } from "../../src/ipset/message.ts";
import { readReplies } from "../../src/ipset/replies.ts";
import { data, ip, ipsetRequest, lineNumber, newName, setName, setType } from "../../src/ipset/request.ts";
import * as encoder from "../support/ipset-encoder.ts";
import { attribute, bareMessage, zeroEnded } from "../support/netlink-encoder.ts";
import { Random } from "../support/random.ts";

/** Flags and sequence number as the encoder has them. */
const header = { flags: 0x0005, sequence: 1616112000 };
const protocol = attribute(1, Buffer.from([6]));

const requests: [Command, number, Uint8Array[], Uint8Array[]][] = [
  ["FLUSH", 4, [], []],
  ["DESTROY", 3, [setName("a")], [encoder.setName("a")]],
  ["LIST", 7, [setName("x".repeat(31))], [encoder.setName("x".repeat(31))]],
  ["RENAME", 5, [setName("ab"), newName("cde")], [encoder.setName("ab"), attribute(3, zeroEnded("cde"))]],
  ["TYPE", 13, setType("hash:ip"), [attribute(3, zeroEnded("hash:ip")), encoder.u8(5, 2)]],
  [
    "CREATE",
    2,
    [setName("a"), ...setType("hash:ip", 4), data()],
    [
      encoder.setName("a"),
      attribute(3, zeroEnded("hash:ip")),
      encoder.u8(4, 4),
      encoder.u8(5, 2),
      encoder.nested(7),
    ],
  ],
  [
    "ADD",
    9,
    [setName("a"), data(ip([192, 0, 2, 1])), lineNumber(0x01020304)],
    [
      encoder.setName("a"),
      encoder.element(encoder.address(1, Buffer.from([192, 0, 2, 1]))),
      encoder.u32(9, 0x01020304),
    ],
  ],
];

test.each(requests)("%s", (command, number, attributes, expected) => {
  const request = ipsetRequest(command, header, ...attributes);
  expect(Buffer.from(request).toHex()).toBe(bareMessage(number, protocol, ...expected).toHex());
});

describe("replies", () => {
  /** struct nlmsghdr and what follows it. */
  function message(type: number, sequence: number, payload: Uint8Array): Buffer {
    const bytes = Buffer.alloc(Math.ceil((16 + payload.length) / 4) * 4);
    bytes.writeUInt32LE(16 + payload.length, 0);
    bytes.writeUInt16LE(type, 4);
    bytes.writeUInt32LE(sequence, 8);
    bytes.set(payload, 16);
    return bytes;
  }
  const int32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return bytes;
  };
  const error = (sequence: number, value: number) =>
    message(2, sequence, Buffer.concat([int32(value), Buffer.alloc(16)]));
  const typeReply = message(
    (6 << 8) | 13,
    3,
    Buffer.concat([Buffer.from([2, 0, 0, 0]), attribute(4, Buffer.from([5]))]),
  );

  test("an acknowledgement, an error and the end of a dump are answers; data is not", () => {
    const datagram = Buffer.concat([typeReply, error(3, 0), error(4, -4103), message(3, 5, int32(0))]);
    const replies = readReplies(datagram).map(({ sequence, answer, attributes }) => {
      return [sequence, answer, ...attributes.map(({ type, payload }) => `${type}=${payload.toHex()}`)];
    });
    expect(replies).toEqual([
      [3, undefined, "4=05"],
      [3, 0],
      [4, -4103],
      [5, 0],
    ]);
  });

  test("reads nothing outside of any bytes, and ends", () => {
    const random = new Random(20);
    const good = Buffer.concat([typeReply, error(3, 0)]);
    for (let round = 0; round < 5000; round++) {
      const bytes = random.bytes(random.below(80));
      const cut = Buffer.from(good.subarray(0, random.below(good.length + 1)));
      if (cut.length > 0) cut[random.below(cut.length)] = random.below(256);
      for (const datagram of [bytes, cut]) {
        expect(readReplies(datagram).length).toBeLessThanOrEqual(datagram.length / 20);
      }
    }
  });
});
