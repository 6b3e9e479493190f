// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The reader of the kernel side's events. The variable parts follow each other, and the header has their lengths.
// layout.test.ts checks the layout itself.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { accountableUid, readEvent } from "../../src/events/event.ts";
import { mineEvent, mineFlag } from "../../src/events/skeleton.gen.ts";
import { eventWith } from "../support/records.ts";

const HEADER_SIZE = mineEvent.data[0];
const lengths = [
  "capturedLen",
  "argumentsCaptured",
  "executableLen",
  "cgroupLen",
  "ancestorsLen",
  "replyLen",
] as const;

interface Parts {
  message?: Uint8Array;
  arguments?: Uint8Array;
  names?: Uint8Array;
  cgroup?: Uint8Array;
  ancestry?: Uint8Array;
  reply?: Uint8Array;
}

/** Returns the bytes of an event with these parts, and with the right lengths. */
function bytesOf(parts: Parts): DataView {
  const { message, arguments: args, names, cgroup, ancestry, reply } = parts;
  const data = [message, args, names, cgroup, ancestry, reply].map((part) => part ?? new Uint8Array());
  const view = new DataView(new ArrayBuffer(HEADER_SIZE + data.reduce((sum, part) => sum + part.length, 0)));
  new Uint8Array(view.buffer).set(Buffer.concat(data), HEADER_SIZE);
  for (const [index, name] of lengths.entries()) {
    setLength(view, name, data[index]?.length ?? 0);
  }
  return view;
}

/** Writes a length, or the max one of its type. */
function setLength(view: DataView, name: (typeof lengths)[number], length: number): void {
  const [at, type] = mineEvent[name];
  if (type === "u16") view.setUint16(at, Math.min(length, 0xffff), true);
  else view.setUint32(at, Math.min(length, 0xffffffff), true);
}

const read = (view: DataView) => readEvent(view, 0, view.byteLength);

describe("the parts", () => {
  const parts = fc.record({
    message: fc.uint8Array({ maxLength: 100 }),
    arguments: fc.uint8Array({ maxLength: 100 }),
    names: fc.uint8Array({ maxLength: 100 }),
    cgroup: fc.uint8Array({ maxLength: 100 }),
    ancestry: fc.uint8Array({ maxLength: 100 }),
    reply: fc.uint8Array({ maxLength: 100 }),
  });

  test("are read at the offsets that the lengths give, for any content", () => {
    const property = fc.property(parts, (given) => {
      const event = read(bytesOf(given));
      const { message, arguments: args, ancestry, ancestors, reply, executable, cgroupPath } = event ?? {};
      expect([message, args, ancestry, reply]).toEqual([
        given.message,
        given.arguments,
        given.ancestry,
        given.reply,
      ]);
      expect(ancestors?.length).toBe(Math.floor(given.ancestry.length / 32));
      expect(executable?.length).toBe(given.names.length || undefined);
      expect(cgroupPath?.length).toBe(given.cgroup.length || undefined);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  test("make no event when one reaches beyond the end", () => {
    const property = fc.property(
      parts,
      fc.constantFrom(...lengths),
      fc.integer({ min: 1 }),
      (given, name, more) => {
        const view = bytesOf(given);
        setLength(view, name, (read(view)?.[name] ?? 0) + more);
        expect(read(view)).toBeUndefined();
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });

  test("make no event when all have the max length", () => {
    const view = bytesOf({});
    for (const name of lengths) setLength(view, name, 0xffffffff);
    expect(read(view)).toBeUndefined();
  });

  test("may all be missing", () => {
    expect(read(bytesOf({}))).toMatchObject({
      message: new Uint8Array(),
      arguments: new Uint8Array(),
      executable: undefined,
      cgroupPath: undefined,
      reply: new Uint8Array(),
    });
  });

  test("may be longer than their captured bytes", () => {
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

test.each([0, 1, HEADER_SIZE - 1])("reads no event from %d bytes, fewer than the header has", (size) => {
  expect(readEvent(new DataView(new ArrayBuffer(HEADER_SIZE)), 0, size)).toBeUndefined();
});

describe("the executable", () => {
  /** Reads an executable. @param names from the file up to the root, as the kernel side sends them. */
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
    ["at the max depth", deep, `/${deep.toReversed().join("/")}`],
    ["without a directory", ["memfd:/usr/sbin/ipset"], "/memfd:/usr/sbin/ipset"],
    [
      "with names of the max length",
      ["n".repeat(255), "m".repeat(255)],
      `/${"m".repeat(255)}/${"n".repeat(255)}`,
    ],
    ["with a name that is not ASCII", ["ipsét", "büro"], "/büro/ipsét"],
    // A name may be empty because the kernel frees it during the read.
    ["without a name", [""], "/"],
    ["without a name, in a directory", ["", "usr"], "/usr/"],
    ["in a directory without a name", ["ipset", "", "usr"], "/usr//ipset"],
    ["with empty names only", ["", "", ""], "///"],
  ])("%s", (_, names, path) => {
    expect(executable(names)).toBe(path);
  });

  test("has dots in place of the missing beginning of a long path", () => {
    expect(executable(["ipset", "sbin"], mineFlag.executableCut)).toBe(".../sbin/ipset");
    expect(executable([], mineFlag.executableCut)).toBeUndefined();
  });
});

test("reads each flag separately", () => {
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

test("the accountable user is the login user, or the user without a login", () => {
  const uid = (given: { uid: number; loginUid?: number }) => accountableUid(eventWith(given));
  expect(uid({ uid: 0, loginUid: 1000 })).toBe(1000);
  expect(uid({ uid: 1000, loginUid: 0 })).toBe(0);
  expect(uid({ uid: 1000 })).toBe(1000);
});
