// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// For any bytes: the line of JSON is one line, it is as docs/event.schema.json says, and no byte is lost.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { AuditRecord } from "../../src/output/record.ts";
import { readLossless, readWords } from "../support/escapes.ts";
import { addition, address, batch, creation, element, nested, setName } from "../support/ipset-encoder.ts";
import { formatJson } from "../support/lines.ts";
import { attribute, ipsetMessage, zeroEnded } from "../support/netlink-encoder.ts";
import { recordedMessages } from "../support/recorded-messages.ts";
import { recordOf } from "../support/records.ts";
import { type JsonEvent, parseEvent } from "../support/schema.ts";

const formatted = (record: AuditRecord): JsonEvent => parseEvent(formatJson(record));

const CREATE = 2;
const ADD = 9;
const ipv4 = Buffer.from([10, 0, 0, 1]);

describe("messages whole, cut and wrong", () => {
  test("those that ipset was seen to send", () => {
    expect(recordedMessages.length).toBeGreaterThan(200);
    for (const bytes of recordedMessages) {
      const { ipset } = formatted(recordOf(bytes));
      expect([ipset.malformed, ipset.truncated, ipset.message]).toEqual([undefined, undefined, undefined]);
    }
  });

  test("of one that was cut both lengths are told", () => {
    for (const bytes of recordedMessages) {
      const captured = bytes.length - (bytes.length % 7) - 1;
      const message = bytes.subarray(0, captured);
      const { ipset } = formatted(recordOf(message, { event: { messageLen: bytes.length } }));
      expect(ipset.truncated).toEqual({ captured, length: bytes.length });
    }
  });

  test("of one that is malformed the complaint and the bytes are told", () => {
    const bytes = ipsetMessage(CREATE, setName("a"), attribute(3, zeroEnded("x"), 77));
    const { ipset } = formatted(recordOf(bytes));
    expect(ipset.malformed).toBe("attribute at byte 16 says it is 77 bytes long");
    expect(ipset.message).toBe(bytes.toHex());
    const short = formatted(recordOf(bytes.subarray(0, 3))).ipset;
    expect(short).toMatchObject({ command: "0", message: bytes.subarray(0, 3).toHex() });
    expect(formatted(recordOf(new Uint8Array())).ipset.message).toBe("");
  });

  test("attributes that nobody knows are told with their level, number and bytes", () => {
    const at = (number: number) => attribute(number, Buffer.from([number, 0xff]));
    const add = ipsetMessage(ADD, setName("a"), at(99), batch(at(98), element(address(1, ipv4), at(97))));
    expect(formatted(recordOf(add)).ipset.unknown_attributes).toEqual([
      { level: "batch", number: 98, bytes: "62ff" },
      { level: "command", number: 99, bytes: "63ff" },
      { level: "element", number: 97, bytes: "61ff" },
    ]);
    const both = attribute(1, Buffer.concat([attribute(1, ipv4), attribute(96, Buffer.alloc(0))]));
    const create = creation("bitmap:ip", 2, at(95), both);
    expect(formatted(recordOf(create)).ipset.unknown_attributes).toEqual(
      expect.arrayContaining([{ level: "create", number: 95, bytes: "5fff" }]),
    );
    const address6 = formatted(recordOf(addition(both))).ipset.unknown_attributes;
    expect(address6).toEqual([{ level: "address", number: 96, bytes: "" }]);
  });

  describe("of one that would be many times as long, decoded, the bytes stand for it:", () => {
    const ROOM = 16384;
    const filledWith = (bytes: Uint8Array) =>
      Buffer.concat(Array<Uint8Array>(Math.floor((ROOM - 60) / bytes.length)).fill(bytes));
    const empty = (number: number) => attribute(number, Buffer.alloc(0));
    const filled = (bytes: Uint8Array) => ipsetMessage(ADD, setName("a"), nested(8, filledWith(bytes)));
    const binary = element(address(1, ipv4), attribute(26, Buffer.alloc(255, 0xff)));

    test.each<[string, Buffer, boolean]>([
      ["empty elements", filled(empty(7)), false],
      ["what is no element", filled(empty(8)), true],
      ["elements with something unknown", filled(element(empty(30))), true],
      ["elements with a bad address", filled(element(empty(1))), true],
      ["comments of bytes", filled(binary), true],
      ["a command with something unknown", ipsetMessage(ADD, setName("a"), filledWith(empty(99))), true],
      ["a name of controls", ipsetMessage(ADD, attribute(2, Buffer.alloc(ROOM - 60, 1))), true],
      ["one such comment", ipsetMessage(ADD, setName("a"), batch(binary)), false],
    ])("%s", (_, message, isAbridged) => {
      for (const result of [0, -4097]) {
        const line = formatJson(recordOf(message, { result }));
        expect(line.length).toBeLessThanOrEqual(Math.max(message.length * 4, 4096));
        const { ipset } = parseEvent(line);
        expect(ipset.abridged ?? false).toBe(isAbridged);
        if (isAbridged) expect(ipset.message).toBe(message.toHex());
      }
    });

    test("the fields beside", () => {
      const { ipset } = formatted(recordOf(filled(element(empty(30))), { result: -4097 }));
      expect(ipset).toMatchObject({ command: "add", set: "a", exist: true, element_count: 2040 });
      expect(ipset.error?.name).toBe("IPSET_ERR_PROTOCOL");
    });
  });

  test("any bytes, any answer", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat(recordedMessages.length - 1), fc.nat(200), fc.nat(255)).map(([which, at, byte]) => {
        const changed = Uint8Array.from(recordedMessages[which] ?? []);
        changed[at % changed.length] = byte;
        return changed;
      }),
    );
    const property = fc.property(bytes, fc.nat(300), fc.nat(5000), (message, missing, error) => {
      formatted(recordOf(message, { event: { messageLen: message.length + missing }, result: -error }));
      formatted(recordOf(message, { result: -error }));
    });
    fc.assert(property, { numRuns: 3000 });
  });
});

/** Untrusted strings of C, as nasty as possible: anything but NUL. */
const hostile = (maxLength: number) =>
  fc.oneof(
    fc.uint8Array({ min: 1, max: 255, maxLength }),
    fc
      .array(
        fc.constantFrom(
          ...["\\", "\\x00", "\\u202e", '"', "'", "\n", "\r\n", "\t", " ", ",", "{", "}", "\x1b[2J", "\x7f"],
          ...["\u009b", "\u0085", "\u202e", "\u2066", "\u200f", "\ufeff", "\u2028", "\u2029", "\u00ad", "é"],
          ...["\u{e0041}", "🐇", "\ud7ff", "\uffff", "a", "</script>", "null"],
        ),
        { maxLength: 8 },
      )
      .map((pieces) => Buffer.from(pieces.join("")).subarray(0, maxLength)), // may cut a character
  );

describe("untrusted bytes come back", () => {
  /** The bytes behind a string of the event. */
  const lossless = (text = ""): string => readLossless(text).toHex();

  test("of names", () => {
    const property = fc.property(hostile(31), hostile(31), hostile(31), (set, second, type) => {
      const rename = ipsetMessage(5, attribute(2, set), attribute(3, second));
      const { ipset } = formatted(recordOf(rename));
      expect([lossless(ipset.set), lossless(ipset.new_name)]).toEqual([set.toHex(), second.toHex()]);
      const create = formatted(recordOf(ipsetMessage(CREATE, attribute(2, set), attribute(3, type)))).ipset;
      expect([lossless(create.set), lossless(create.type)]).toEqual([set.toHex(), type.toHex()]);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test("of comm and of the executable", () => {
    const property = fc.property(hostile(15), hostile(300), (comm, path) => {
      const executable = Buffer.concat([Buffer.from("/"), path]);
      const { process } = formatted(recordOf(ipsetMessage(CREATE), { event: { comm, executable } }));
      expect([lossless(process.name), lossless(process.executable)]).toEqual([
        comm.toHex(),
        executable.toHex(),
      ]);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test("of arguments, each apart from the next", () => {
    const property = fc.property(fc.array(hostile(40), { minLength: 1, maxLength: 6 }), (given) => {
      const args = Buffer.concat(given.flatMap((argument) => [argument, Buffer.alloc(1)]));
      const { process } = formatted(recordOf(ipsetMessage(CREATE), { event: { arguments: args } }));
      const words = readWords(process.command_line ?? "");
      expect(words.map((word) => word.toHex())).toEqual(given.map((argument) => argument.toHex()));
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test("of a command line that was cut, in the middle of an argument", () => {
    const args = Buffer.from("ipset\0add\0caf\u00e9").subarray(0, 14); // of the last character one byte
    const event = { arguments: args, argumentsLen: 30, argumentsCaptured: 14 };
    expect(formatted(recordOf(ipsetMessage(CREATE), { event })).process).toMatchObject({
      command_line: String.raw`ipset add "caf\xc3"`,
      command_line_truncated: true,
    });
  });

  test("of comments, of names of sets and interfaces in elements", () => {
    const property = fc.property(hostile(255), hostile(15), (comment, name) => {
      const bytes = ipsetMessage(
        ADD,
        setName("a"),
        batch(
          element(address(1, ipv4), attribute(26, comment)),
          element(address(1, ipv4), attribute(23, name)),
          element(attribute(18, name), attribute(19, name)),
        ),
      );
      const [first, second, third] = formatted(recordOf(bytes)).ipset.elements ?? [];
      const words = (shown = "") => readWords(shown).map((word) => word.toHex());
      const text = (plain: string) => Buffer.from(plain).toHex();
      expect(words(first)).toEqual([text("10.0.0.1"), text("comment"), comment.toHex()]);
      expect(words(second?.replace(/^10\.0\.0\.1,/, ""))).toEqual([name.toHex()]);
      expect(words(third)).toEqual([name.toHex(), text("after"), name.toHex()]);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test("the names of this host are shown as they are, and harm no terminal", () => {
    const name = "ev\u202eil\u009b\u2028\x1b";
    const findCgroup = () => ({ path: `/${name}` });
    const record = recordOf(ipsetMessage(CREATE), { hostname: name, userName: () => name, findCgroup });
    const event = formatted(record);
    expect([event.host.hostname, event.user.name]).toEqual([name, name]);
    expect(event.linux.cgroup_path).toBe(`/${name}`);
  });
});
