// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The filter of commands: the part that the kernel side applies, and the part that user space applies.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AUDIT_UID_UNSET } from "../../src/events/event.ts";
import { mineDetail } from "../../src/events/skeleton.gen.ts";
import { type Command, commands } from "../../src/ipset/message.ts";
import type { Config } from "../../src/trace/config.ts";
import { isWanted, kernelFilter } from "../../src/trace/filter.ts";
import { constantsOfC } from "../support/compile.ts";
import { element, nested } from "../support/ipset-encoder.ts";
import { attribute, ipsetMessage } from "../support/netlink-encoder.ts";
import { recordOf } from "../support/records.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "selection-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Wanted = Config["filter"];

const wanted = (given: Partial<Wanted> = {}): Wanted => ({
  commands: new Set(commands),
  denied: new Set(commands),
  set: undefined,
  uid: undefined,
  pid: undefined,
  comm: undefined,
  failed: false,
  ...given,
});

const inKernel = (filter: Config["filter"], isDetailed = false) =>
  kernelFilter({ isDetailed, ancestry: false, filter }, true);

describe("the filter of the kernel side", () => {
  test("has for each command the bit of its number in the kernel's header", () => {
    const names = commands.map((command) => `IPSET_CMD_${command}`);
    const numbers = constantsOfC(dir, ["linux/netfilter/ipset/ip_set.h"], names);
    for (const [index, command] of commands.entries()) {
      const only = new Set([command]);
      const bit = 2 ** (numbers[names[index] ?? ""] ?? Number.NaN);
      expect(inKernel(wanted({ commands: only }))).toMatchObject({ commands: bit, denied: 0xffffffff });
      expect(inKernel(wanted({ denied: only }))).toMatchObject({ commands: 0xffffffff, denied: bit });
    }
  });

  test("has the bits of several commands", () => {
    const some: ReadonlySet<Command> = new Set(["CREATE", "ADD", "GET_BYINDEX"] as const);
    expect(inKernel(wanted({ commands: some })).commands).toBe(0x8204);
    expect(inKernel(wanted({ commands: new Set() })).commands).toBe(0);
  });

  test("has every bit for all commands, also bits without a name", () => {
    expect(inKernel(wanted()).commands).toBe(0xffffffff);
    const allButOne = new Set(commands.filter((command) => command !== "NONE"));
    expect(inKernel(wanted({ commands: allButOne })).commands).toBe(0xfffe);
  });

  test("has the numbers of user and process, or their wildcards", () => {
    expect(inKernel(wanted())).toMatchObject({ pid: 0, uid: AUDIT_UID_UNSET });
    expect(inKernel(wanted({ uid: 0, pid: 1 }))).toMatchObject({ pid: 1, uid: 0 });
  });

  test("asks for the caller's details only when an output shows them", () => {
    expect(inKernel(wanted(), false).details).toBe(0);
    expect(inKernel(wanted(), true).details).toBe(mineDetail.caller | mineDetail.ancestry);
    const ancestry = kernelFilter({ isDetailed: false, ancestry: true, filter: wanted() }, true);
    expect(ancestry.details).toBe(mineDetail.ancestry);
  });

  test("asks for the cgroup of systemd's own hierarchy where there is no unified one", () => {
    const json = kernelFilter({ isDetailed: true, ancestry: false, filter: wanted() }, false);
    expect(json.details).toBe(mineDetail.caller | mineDetail.ancestry | mineDetail.systemdCgroup);
    expect(kernelFilter({ isDetailed: false, ancestry: false, filter: wanted() }, false).details).toBe(0);
  });
});

const SETNAME = 2;
const SETNAME2 = 3;
const name = (type: number, bytes: string | Uint8Array) => attribute(type, Buffer.from(bytes as string));
const ADD = ipsetMessage(9, name(SETNAME, "white list"));
const isWhite = (text: string) => text === "white list";

describe("user space reports", () => {
  test("every command without a condition", () => {
    expect(isWanted(wanted(), recordOf(ADD))).toBe(true);
    expect(isWanted(wanted(), recordOf(new Uint8Array()))).toBe(true);
  });

  test("only failures with --failed", () => {
    const failed = (result: number, command = 9) =>
      isWanted(wanted({ failed: true }), recordOf(ipsetMessage(command), { result }));
    expect([failed(0), failed(-4103), failed(-1)]).toEqual([false, true, true]);
    expect(failed(-4103, 11)).toBe(false); // not in the set: a result, not a failure
    expect(isWanted(wanted({ failed: true }), recordOf(ADD, { outcome: { status: "unknown" } }))).toBe(false);
  });

  test.each<[comm: string | Uint8Array, typed: string, expected: boolean]>([
    ["ipset", "ipset", true],
    ["ipset", "ipse", false],
    ["ipset", "*", false],
    ["", "", true],
    ["a b\n", "a b\n", true],
    ["back\\slash", "back\\slash", true],
    ["café", "café", true],
    // The command line replaces invalid UTF-8 with the same character.
    [Buffer.from([0x61, 0xff]), "a\ufffd", true],
  ])("comm %p with --comm %j: %p", (comm, typed, expected) => {
    const record = recordOf(ADD, { event: { comm: Buffer.from(comm as string) } });
    expect(isWanted(wanted({ comm: typed }), record)).toBe(expected);
  });

  describe("with --set", () => {
    const isSetWanted = (message: Uint8Array, set: (name: string) => boolean) =>
      isWanted(wanted({ set }), recordOf(message));

    test("a command with that name as its first or second", () => {
      expect(isSetWanted(ADD, isWhite)).toBe(true);
      expect(isSetWanted(ipsetMessage(9, name(SETNAME, "black list")), isWhite)).toBe(false);
      const renames = [
        ["white list", "b"],
        ["b", "white list"],
        ["b", "c"],
      ].map(([from = "", to = ""]) => ipsetMessage(5, name(SETNAME, from), name(SETNAME2, to)));
      expect(renames.map((rename) => isSetWanted(rename, isWhite))).toEqual([true, true, false]);
    });

    test("but not a set of a type with that name", () => {
      const create = ipsetMessage(2, name(SETNAME, "a"), name(SETNAME2, "white list"));
      expect(isSetWanted(create, isWhite)).toBe(false);
    });

    test("a command for all sets, because they may include this one", () => {
      const unnamed = (command: number) => isSetWanted(ipsetMessage(command), isWhite);
      expect([3, 4, 7, 8].every(unnamed)).toBe(true);
      expect([1, 2, 9, 10, 11, 13].some(unnamed)).toBe(false);
    });

    describe("a truncated message, unless its names are known to be others:", () => {
      const filler = (length: number) => attribute(99, Buffer.alloc(length));
      const padding = filler(200);
      const elements = nested(8, element(filler(200)));
      const isCutWanted = (message: Uint8Array, captured: number) => {
        const event = { message: message.subarray(0, captured), messageLen: message.length };
        return isWanted(wanted({ set: isWhite }), recordOf(message, { event }));
      };
      const black = name(SETNAME, "black list");
      const white = name(SETNAME, "white list");
      const other = name(SETNAME2, "b");

      test.each<[string, number, Uint8Array[], boolean]>([
        ["no name", 9, [padding], true],
        ["no second name", 5, [black, padding], true],
        ["no second name", 6, [black, padding], true],
        ["two other names", 5, [black, other, padding], false],
        ["another name, and a later one may replace it", 9, [black, padding, white], true],
        ["another name, and elements to the end", 9, [black, elements], false],
        ["another name, and options to the end", 2, [black, other, nested(7, padding)], false],
        ["that name", 9, [white, padding], true],
      ])("%s (command %d)", (_, command, attributes, expected) => {
        const message = ipsetMessage(command, ...attributes);
        expect(isCutWanted(message, message.indexOf(Buffer.alloc(100)) + 50)).toBe(expected);
      });

      test("a truncated name", () => {
        const message = ipsetMessage(9, name(SETNAME, "white list"));
        expect(isCutWanted(message, message.length - 5)).toBe(true);
      });

      test("only a part of the header", () => {
        expect(isCutWanted(ipsetMessage(9), 4)).toBe(true);
      });
    });

    test("a command with the name as a user types it", () => {
      const seen: string[] = [];
      const look = (text: string) => seen.push(text) < 0;
      for (const bytes of ["a\\b", "a\nb", "café", "", Buffer.from([0x61, 0xff]), "\ufeffa"]) {
        isSetWanted(ipsetMessage(9, name(SETNAME, bytes)), look);
      }
      expect(seen).toEqual(["a\\b", "a\nb", "café", "", "a\ufffd", "\ufeffa"]);
    });
  });

  test("only a command that meets all conditions", () => {
    const all = wanted({ failed: true, comm: "ipset", set: isWhite });
    expect(isWanted(all, recordOf(ADD, { result: -4103 }))).toBe(true);
    expect(isWanted(all, recordOf(ADD))).toBe(false);
    expect(isWanted(all, recordOf(ADD, { result: -4103, event: { comm: Buffer.from("x") } }))).toBe(false);
    expect(isWanted(all, recordOf(ipsetMessage(9, name(SETNAME, "b")), { result: -4103 }))).toBe(false);
  });
});
