// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The parts of an event of the kernel side: its variable parts lie one after the other, each as long as the
// header says. The layout itself is the matter of layout.test.ts.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { accountableUid, readEvent } from "../../src/events/event.ts";
import { mineEvent, mineFlag } from "../../src/events/skeleton.gen.ts";
import { eventWith } from "../support/records.ts";

const HEADER_SIZE = mineEvent.data[0];
const lengths = ["capturedLen", "argumentsCaptured", "executableLen", "replyLen"] as const;

interface Parts {
  message?: Uint8Array;
  arguments?: Uint8Array;
  names?: Uint8Array;
  reply?: Uint8Array;
}

/** The bytes of an event with these parts, and lengths that fit them. */
function bytesOf(parts: Parts): DataView {
  const data = [parts.message, parts.arguments, parts.names, parts.reply].map(
    (part) => part ?? new Uint8Array(),
  );
  const view = new DataView(new ArrayBuffer(HEADER_SIZE + data.reduce((sum, part) => sum + part.length, 0)));
  new Uint8Array(view.buffer).set(Buffer.concat(data), HEADER_SIZE);
  for (const [index, name] of lengths.entries()) {
    view.setUint32(mineEvent[name][0], data[index]?.length ?? 0, true);
  }
  return view;
}

const read = (view: DataView) => readEvent(view, 0, view.byteLength);

describe("the parts", () => {
  const parts = fc.record({
    message: fc.uint8Array({ maxLength: 100 }),
    arguments: fc.uint8Array({ maxLength: 100 }),
    names: fc.uint8Array({ maxLength: 100 }),
    reply: fc.uint8Array({ maxLength: 100 }),
  });

  test("are where the lengths say, for all lengths", () => {
    const property = fc.property(parts, (given) => {
      const { message, arguments: args, reply, executable } = read(bytesOf(given)) ?? {};
      expect([message, args, reply]).toEqual([given.message, given.arguments, given.reply]);
      expect(executable?.length).toBe(given.names.length || undefined);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test("of which one reaches beyond the end make no event", () => {
    const property = fc.property(
      parts,
      fc.constantFrom(...lengths),
      fc.integer({ min: 1 }),
      (given, name, more) => {
        const view = bytesOf(given);
        const at = mineEvent[name][0];
        view.setUint32(at, Math.min(view.getUint32(at, true) + more, 0xffffffff), true);
        expect(read(view)).toBeUndefined();
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });

  test("all as long as can be are no event either", () => {
    const view = bytesOf({});
    for (const name of lengths) view.setUint32(mineEvent[name][0], 0xffffffff, true);
    expect(read(view)).toBeUndefined();
  });

  test("may be missing altogether", () => {
    expect(read(bytesOf({}))).toMatchObject({
      message: new Uint8Array(),
      arguments: new Uint8Array(),
      executable: undefined,
      reply: new Uint8Array(),
    });
  });

  test("may be longer than was captured", () => {
    const view = bytesOf({ message: Buffer.alloc(20), arguments: Buffer.from("ipset\0ad") });
    view.setUint32(mineEvent.messageLen[0], 20_000, true);
    view.setUint32(mineEvent.argumentsLen[0], 3_000_000_000, true);
    expect(read(view)).toMatchObject({
      messageLen: 20_000,
      capturedLen: 20,
      argumentsLen: 3_000_000_000,
      argumentsCaptured: 8,
    });
    expect(read(view)?.arguments).toEqual(new Uint8Array(Buffer.from("ipset\0ad")));
  });
});

test.each([0, 1, HEADER_SIZE - 1])("%d bytes are too few for an event", (size) => {
  expect(readEvent(new DataView(new ArrayBuffer(HEADER_SIZE)), 0, size)).toBeUndefined();
});

describe("the executable", () => {
  /** @param names from the file up to the root, as the kernel side sends them. */
  const executable = (names: string[], flags = 0): string | undefined => {
    const view = bytesOf({ names: Buffer.from(names.map((name) => `${name}\0`).join("")) });
    view.setUint32(mineEvent.flags[0], flags, true);
    const path = read(view)?.executable;
    return path && Buffer.from(path).toString();
  };
  const deep = Array.from({ length: 20 }, (_, index) => `dir${index}`);

  test.each<[what: string, names: string[], path: string]>([
    ["in the root directory", ["init"], "/init"],
    ["two directories down", ["ipset", "sbin", "usr"], "/usr/sbin/ipset"],
    ["as deep as is looked", deep, `/${deep.toReversed().join("/")}`],
    ["that is in no directory", ["memfd:/usr/sbin/ipset"], "/memfd:/usr/sbin/ipset"],
    [
      "with the longest of names",
      ["n".repeat(255), "m".repeat(255)],
      `/${"m".repeat(255)}/${"n".repeat(255)}`,
    ],
    ["with a name that is not ASCII", ["ipsét", "büro"], "/büro/ipsét"],
    // A name that is freed while it is read may look so.
    ["without a name", [""], "/"],
    ["without a name, in a directory", ["", "usr"], "/usr/"],
    ["in a directory without a name", ["ipset", "", "usr"], "/usr//ipset"],
    ["of which no name is there", ["", "", ""], "///"],
  ])("%s", (_, names, path) => {
    expect(executable(names)).toBe(path);
  });

  test("whose path was too long has dots in place of its beginning", () => {
    expect(executable(["ipset", "sbin"], mineFlag.executableCut)).toBe(".../sbin/ipset");
    expect(executable([], mineFlag.executableCut)).toBeUndefined();
  });
});

test("flags are told apart", () => {
  const flagsOf = (flags: number) => {
    const view = bytesOf({});
    view.setUint32(mineEvent.flags[0], flags, true);
    const { isRefused, isUnanswered, isByReader } = read(view) ?? {};
    return { isRefused, isUnanswered, isByReader };
  };
  const none = { isRefused: false, isUnanswered: false, isByReader: false };
  expect(flagsOf(0)).toEqual(none);
  expect(flagsOf(mineFlag.refused)).toEqual({ ...none, isRefused: true });
  expect(flagsOf(mineFlag.executableCut)).toEqual(none);
  expect(flagsOf(mineFlag.unanswered)).toEqual({ ...none, isUnanswered: true });
  expect(flagsOf(mineFlag.byReader)).toEqual({ ...none, isByReader: true });
  expect(flagsOf(15)).toEqual({ isRefused: true, isUnanswered: true, isByReader: true });
});

test("who logged in is who answers for it; where nobody did, the user", () => {
  const uid = (given: { uid: number; loginUid?: number }) => accountableUid(eventWith(given));
  expect(uid({ uid: 0, loginUid: 1000 })).toBe(1000);
  expect(uid({ uid: 1000, loginUid: 0 })).toBe(0);
  expect(uid({ uid: 1000 })).toBe(1000);
});
