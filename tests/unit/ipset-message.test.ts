// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// From the bytes of a request to what it asks for. The requests are written by an encoder that knows only
// the kernel's headers; numbers of commands and attributes are those of linux/netfilter/ipset/ip_set.h.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Command, commands, type IpsetMessage, readIpsetMessage } from "../../src/ipset/message.ts";
import {
  attribute,
  bareMessage,
  ipsetMessage,
  NLA_F_NESTED,
  NLA_F_NET_BYTEORDER,
  zeroEnded,
} from "../support/netlink-encoder.ts";
import { Random } from "../support/random.ts";

const CREATE = 2;
const DESTROY = 3;
const GET_BYINDEX = 15;
const SETNAME = 2;
const TYPENAME_OR_SETNAME2 = 3;
const DATA = 7;
const INDEX = 11;

const named = (name: string) => attribute(SETNAME, zeroEnded(name));
const second = (name: string) => attribute(TYPENAME_OR_SETNAME2, zeroEnded(name));

/** Returns the fields that these tests check; options and elements have tests of their own. */
interface Read extends Pick<IpsetMessage, "command" | "commandNumber" | "index" | "malformed"> {
  setName?: string | undefined;
  secondName?: string | undefined;
  typeName?: string | undefined;
}

/** The message with its names as text. */
function read(bytes: Uint8Array, isWhole = true): Read {
  const text = (name: Uint8Array | undefined) => name && Buffer.from(name).toString("latin1");
  const { command, commandNumber, index, malformed, ...names } = readIpsetMessage(bytes, isWhole);
  const { setName, secondName, typeName } = names;
  return {
    ...{ command, commandNumber, index, malformed },
    ...{ setName: text(setName), secondName: text(secondName), typeName: text(typeName) },
  };
}

test("commands have the numbers of enum ipset_cmd", () => {
  const header = readFileSync("/usr/include/linux/netfilter/ipset/ip_set.h", "utf8");
  const body = /enum ipset_cmd \{(.*?)IPSET_MSG_MAX/s.exec(header)?.[1] ?? "";
  const names = [...body.matchAll(/^\s*IPSET_CMD_(\w+),/gm)].map(([, name]) => name ?? "");
  expect(names.length).toBeGreaterThanOrEqual(16);
  expect([...commands] as string[]).toEqual(names);
});

const requests: [Command, number, Buffer[], Partial<Read>][] = [
  ["PROTOCOL", 1, [], {}],
  ["CREATE", 2, [named("a"), second("hash:ip")], { setName: "a", typeName: "hash:ip" }],
  ["DESTROY", 3, [named("a")], { setName: "a" }],
  ["DESTROY", 3, [], {}],
  ["FLUSH", 4, [named("a")], { setName: "a" }],
  ["RENAME", 5, [named("a"), second("b")], { setName: "a", secondName: "b" }],
  ["SWAP", 6, [named("a"), second("b")], { setName: "a", secondName: "b" }],
  ["LIST", 7, [named("a")], { setName: "a" }],
  ["SAVE", 8, [], {}],
  ["ADD", 9, [named("a")], { setName: "a" }],
  ["DEL", 10, [named("a")], { setName: "a" }],
  ["TEST", 11, [named("a")], { setName: "a" }],
  ["HEADER", 12, [named("a")], { setName: "a" }],
  ["TYPE", 13, [second("hash:net")], { typeName: "hash:net" }],
  ["GET_BYNAME", 14, [named("a")], { setName: "a" }],
  ["GET_BYINDEX", 15, [attribute(INDEX, Buffer.from([0x12, 0x34]))], { index: 0x1234 }],
];

test.each(requests)("a request to %s is read", (command, number, attributes, fields) => {
  const expected: Read = { command, commandNumber: number, ...fields };
  expect(read(ipsetMessage(number, ...attributes))).toEqual(expected);
});

test.each([0x10, 0x11, 0x80, 0xff])("command %p, unknown to any ipset, is told by its number", (number) => {
  expect(read(ipsetMessage(number, named("a")))).toEqual({
    command: undefined,
    commandNumber: number,
    setName: "a",
  });
});

test("command 0 is one that the kernel knows", () => {
  expect(read(ipsetMessage(0)).command).toBe("NONE");
});

test("elements and other attributes do not disturb the names", () => {
  const address = attribute(1 | NLA_F_NET_BYTEORDER, Buffer.from([10, 0, 0, 1]));
  const element = attribute(DATA | NLA_F_NESTED, attribute(1 | NLA_F_NESTED, address));
  const lineNumber = attribute(9, Buffer.from([1, 0, 0, 0]));
  expect(read(ipsetMessage(9, named("a"), element, lineNumber))).toEqual({
    command: "ADD",
    commandNumber: 9,
    setName: "a",
  });
});

test("the last of two equal attributes counts, as in the kernel's nla_parse()", () => {
  expect(read(ipsetMessage(DESTROY, named("decoy"), named("real"))).setName).toBe("real");
});

test("a name ends at its first NUL", () => {
  const bytes = ipsetMessage(DESTROY, attribute(SETNAME, Buffer.from("short\0rest\0")));
  expect(read(bytes)).toEqual({ command: "DESTROY", commandNumber: DESTROY, setName: "short" });
});

test("a name without NUL ends with its attribute", () => {
  const bytes = ipsetMessage(DESTROY, attribute(SETNAME, Buffer.from("abcde")));
  expect(read(bytes)).toEqual({ command: "DESTROY", commandNumber: DESTROY, setName: "abcde" });
});

test("an empty name is a name", () => {
  expect(read(ipsetMessage(DESTROY, named(""))).setName).toBe("");
  expect(read(ipsetMessage(DESTROY, attribute(SETNAME, Buffer.alloc(0)))).setName).toBe("");
});

test("a name of 31 bytes is the longest that the kernel takes (IPSET_MAXNAMELEN)", () => {
  expect(read(ipsetMessage(DESTROY, named("n".repeat(31)))).malformed).toBeUndefined();
});

test.each([32, 40])("a name of %p bytes is kept and told as malformed", (length) => {
  const name = "n".repeat(length);
  for (const attributes of [[named(name)], [attribute(SETNAME, Buffer.from(name))]]) {
    const message = read(ipsetMessage(DESTROY, ...attributes));
    expect(message.setName).toBe(name);
    expect(message.malformed).toBe(`a name of ${length} bytes`);
  }
});

test("bytes of a name that are no text are kept as they are", () => {
  const bytes = Buffer.from([0xff, 0x0a, 0x1b, 0xc3]);
  const { setName } = readIpsetMessage(ipsetMessage(DESTROY, attribute(SETNAME, bytes)), true);
  expect(setName).toEqual(new Uint8Array(bytes));
});

test.each([
  [0, 0],
  [1, 0x1200],
  [4, 0x1234],
])("an index of %p bytes is told as malformed", (length, index) => {
  const payload = Buffer.from([0x12, 0x34, 0x56, 0x78]).subarray(0, length);
  expect(read(ipsetMessage(GET_BYINDEX, attribute(INDEX, payload)))).toEqual({
    command: "GET_BYINDEX",
    commandNumber: GET_BYINDEX,
    index,
    malformed: `an index of ${length} bytes`,
  });
});

test.each([0, 1, 4, 16, 19])("%p bytes are too few for a message", (length) => {
  expect(read(ipsetMessage(CREATE).subarray(0, length))).toEqual({
    command: undefined,
    commandNumber: 0,
    malformed: `only ${length} bytes long`,
  });
});

test("headers alone are a whole message", () => {
  expect(read(bareMessage(7))).toEqual({ command: "LIST", commandNumber: 7 });
});

test("what comes before a malformed attribute is read, as the kernel does", () => {
  const bytes = ipsetMessage(CREATE, named("a"), attribute(TYPENAME_OR_SETNAME2, Buffer.from("x"), 3));
  expect(read(bytes)).toEqual({
    command: "CREATE",
    commandNumber: CREATE,
    setName: "a",
    malformed: "attribute at byte 16 says it is 3 bytes long",
  });
});

test("does not call the missing end of a truncated capture malformed", () => {
  const bytes = ipsetMessage(CREATE, named("a"), second("hash:ip"));
  for (let length = 20; length < bytes.length; length++) {
    expect(read(bytes.subarray(0, length), false).malformed).toBeUndefined();
  }
  expect(read(bytes.subarray(0, 20 + 8 + 8 + 5), false)).toEqual({
    command: "CREATE",
    commandNumber: CREATE,
    setName: "a",
  });
});

test("of random bytes nothing outside is read, and nothing throws", () => {
  const random = new Random(52);
  const margin = 64;
  const type = () => random.oneOf([SETNAME, TYPENAME_OR_SETNAME2, INDEX, random.below(0x10000)]);
  const length = () => random.oneOf([undefined, random.below(12), random.below(0x10000)]);
  for (let round = 0; round < 100_000; round++) {
    const attributes = Array.from({ length: random.below(3) }, () =>
      attribute(type(), random.bytes(random.below(40), random.oneOf([2, 256])), length()),
    );
    const stray = random.bytes(random.below(6));
    const bytes =
      round % 4 === 0
        ? random.bytes(random.below(64))
        : bareMessage(random.below(20), ...attributes, stray).subarray(0, random.oneOf([19, 24, 1000]));
    const [inZeroes, inOnes] = [0x00, 0xff].map((filler): [Uint8Array, IpsetMessage] => {
      const around = new Uint8Array(margin + bytes.length + margin).fill(filler);
      around.set(bytes, margin);
      const inside = around.subarray(margin, margin + bytes.length);
      return [inside, readIpsetMessage(inside, round % 2 === 0)];
    });
    expect(inZeroes?.[1]).toEqual(inOnes?.[1] as IpsetMessage);
    const { setName, secondName, typeName } = inOnes?.[1] ?? {};
    for (const name of [setName, secondName, typeName]) {
      if (!name) continue;
      expect(name.byteOffset >= margin + 24).toBe(true);
      expect(name.byteOffset + name.length <= margin + bytes.length).toBe(true);
    }
  }
});
