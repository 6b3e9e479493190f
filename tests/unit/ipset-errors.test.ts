// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Errors by name: those of errno, those of every set, and those whose meaning depends on the type of the set.
// The names are checked against the kernel's headers; that the sentences are ipset's own, against its library.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Command } from "../../src/ipset/message.ts";
import { type Outcome, readOutcome, sentenceOf } from "../../src/ipset/outcome.ts";
import { libipsetFile } from "../support/libipset.ts";
import { errorOf } from "../support/records.ts";

const error = (command: Command, result: number, setType?: string) =>
  errorOf(readOutcome(command, result, setType));

test("a failure has the kernel's name and number for it", () => {
  expect(error("CREATE", -17)).toEqual({ name: "EEXIST", number: 17 });
  expect(error("CREATE", -1)).toEqual({ name: "EPERM", number: 1 });
  expect(error("ADD", -4103)).toEqual({ name: "IPSET_ERR_EXIST", number: 4103 });
  expect(error("DESTROY", -4100, "hash:ip")).toEqual({ name: "IPSET_ERR_BUSY", number: 4100 });
  expect(error("ADD", -4)).toEqual({ name: "EINTR", number: 4 });
  expect(error("CREATE", -999)).toEqual({ name: "errno 999", number: 999 });
  expect(error("CREATE", -4300)).toEqual({ name: "IPSET_ERR 4300", number: 4300 });
});

test("a success has none, a test that finds nothing and the end of a list neither", () => {
  const outcomes = [readOutcome("ADD", 0), readOutcome("TEST", -4103), readOutcome("LIST", -4)];
  expect(outcomes.map(errorOf)).toEqual([undefined, undefined, undefined]);
});

/** Names of the errors that are special to a kind of type, in order, from the kernel's header. */
function headerNames(kind: string): string[] {
  const header = readFileSync(`/usr/include/linux/netfilter/ipset/ip_set_${kind}.h`, "utf8");
  const body = /enum \{(.*?)\};/s.exec(header)?.[1] ?? "";
  return [...body.matchAll(/^\s*(IPSET_ERR_\w+)/gm)].map(([, name]) => name ?? "");
}

const kinds = [
  { kind: "bitmap", setTypes: ["bitmap:ip", "bitmap:ip,mac", "bitmap:port"] },
  { kind: "hash", setTypes: ["hash:ip", "hash:net,port,net"] },
  { kind: "list", setTypes: ["list:set"] },
];

test.each(kinds)("errors of $kind types have the names of the kernel's header", ({ kind, setTypes }) => {
  const names = headerNames(kind);
  expect(names.length).toBeGreaterThanOrEqual(2);
  for (const setType of setTypes) {
    const ours = names.map((_, at) => error("ADD", -4352 - at, setType)?.name ?? "");
    expect(ours).toEqual(names);
    const next = 4352 + names.length;
    expect(readOutcome("ADD", -next, setType)).toEqual({
      status: "failure",
      sentence: `Error ${next} of this type of set`,
      error: { name: `IPSET_ERR ${next}`, number: next },
    });
  }
});

test("their sentences are ipset's own", () => {
  const library = libipsetFile();
  for (const { kind, setTypes } of kinds) {
    for (const [at] of headerNames(kind).entries()) {
      const sentence = sentenceOf(readOutcome("ADD", -4352 - at, setTypes[0])) ?? "";
      expect([sentence, library.includes(`${sentence}\0`)]).toEqual([sentence, true]);
    }
  }
});

// As libipset 7.17 answers when its session has a set of that type.
const answers: [string, Command, number, string][] = [
  ["bitmap:port", "ADD", 4352, "Element is out of the range of the set"],
  ["bitmap:ip", "CREATE", 4353, "The range you specified exceeds the size limit of the set type"],
  ["hash:ip", "ADD", 4352, "Hash is full, cannot add more elements"],
  ["hash:mac", "ADD", 4353, "Null-valued element, cannot be stored in a hash type of set"],
  ["list:set", "ADD", 4352, "Set to be added/deleted/tested as element does not exist."],
  ["list:set", "ADD", 4353, "Sets with list:set type cannot be added to the set."],
  ["list:set", "ADD", 4356, "The set is full, more elements cannot be added."],
  [
    "list:set",
    "DEL",
    4357,
    "The set to which you referred with 'before' or 'after' is not added to the set.",
  ],
];
test.each(answers)("of a %s %s can say %p: %s", (setType, command, number, sentence) => {
  expect(sentenceOf(readOutcome(command, -number, setType))).toBe(sentence);
});

test("without the type of the set, or of a type that is not known, the number is told", () => {
  for (const setType of [undefined, "", "tree:ip", "constructor:x", "__proto__:x"]) {
    const expected: Outcome = {
      status: "failure",
      sentence: "Error 4352 of this type of set",
      error: { name: "IPSET_ERR 4352", number: 4352 },
    };
    expect(readOutcome("ADD", -4352, setType)).toEqual(expected);
  }
});
