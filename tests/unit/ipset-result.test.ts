// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The meaning of the kernel's answers. The numbers are written out from linux/netfilter/ipset/ip_set*.h, and
// the sentences are those of the real libipset, asked here.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Command } from "../../src/ipset/message.ts";
import { readOutcome as readWholeOutcome, sentenceOf } from "../../src/ipset/outcome.ts";
import { openLibipset } from "../support/libipset.ts";

/** By number: enum ipset_cmd. */
const commands: readonly Command[] = [
  "NONE",
  "PROTOCOL",
  "CREATE",
  "DESTROY",
  "FLUSH",
  "RENAME",
  "SWAP",
  "LIST",
  "SAVE",
  "ADD",
  "DEL",
  "TEST",
  "HEADER",
  "TYPE",
  "GET_BYNAME",
  "GET_BYINDEX",
];

interface Outcome {
  succeeded: boolean;
  sentence?: string | undefined;
}

/** Returns the sentence; the names and numbers of errors have tests of their own. */
function readOutcome(command: Command | undefined, result: number): Outcome {
  const outcome = readWholeOutcome(command, result);
  return { succeeded: outcome.status === "success", sentence: sentenceOf(outcome) };
}

const failed = (sentence: string): Outcome => ({ succeeded: false, sentence });

test.each(commands)("0 is the success of %s", (command) => {
  expect(readOutcome(command, 0).succeeded).toBe(true);
  expect(readOutcome(command, 0).sentence).toBe(command === "TEST" ? "in set" : undefined);
});

const answers: [Command, string, number, Outcome][] = [
  ["CREATE", "EEXIST", -17, failed("Set cannot be created: set with the same name already exists")],
  ["CREATE", "FIND_TYPE", -4098, failed("Kernel error received: set type not supported")],
  ["CREATE", "ENOMEM", -12, failed("Not enough memory")],
  ["DESTROY", "ENOENT", -2, failed("The set with the given name does not exist")],
  ["DESTROY", "BUSY", -4100, failed("Set cannot be destroyed: it is in use by a kernel component")],
  ["FLUSH", "ENOENT", -2, failed("The set with the given name does not exist")],
  [
    "RENAME",
    "EXIST_SETNAME2",
    -4101,
    failed("Set cannot be renamed: a set with the new name already exists"),
  ],
  ["RENAME", "REFERENCED", -4108, failed("Set cannot be renamed: it is in use by another system")],
  ["SWAP", "EXIST_SETNAME2", -4101, failed("Sets cannot be swapped: the second set does not exist")],
  ["SWAP", "TYPE_MISMATCH", -4102, failed("The sets cannot be swapped: their type does not match")],
  ["LIST", "EINTR", -4, { succeeded: true }],
  ["SAVE", "EINTR", -4, { succeeded: true }],
  ["LIST", "ENOENT", -2, failed("The set with the given name does not exist")],
  ["ADD", "EXIST", -4103, failed("Element cannot be added to the set: it's already added")],
  ["ADD", "EINTR", -4, failed("A line of the batch failed")],
  ["ADD", "HASH_FULL or another", -4352, failed("Error 4352 of this type of set")],
  ["ADD", "HASH_RANGE or another", -4357, failed("Error 4357 of this type of set")],
  ["DEL", "EXIST", -4103, failed("Element cannot be deleted from the set: it's not added")],
  ["DEL", "EINTR", -4, failed("A line of the batch failed")],
  ["TEST", "EXIST", -4103, { succeeded: true, sentence: "not in set" }],
  ["TEST", "ENOENT", -2, failed("The set with the given name does not exist")],
  ["TEST", "TIMEOUT", -4107, failed("Timeout cannot be used: set was created without timeout support")],
  ["HEADER", "ENOENT", -2, failed("The set with the given name does not exist")],
  ["TYPE", "EEXIST", -17, failed("Kernel error received: set type does not supported")],
  ["GET_BYNAME", "EEXIST", -17, failed("File already exists")],
  ["CREATE", "EINTR", -4, failed("Interrupted system call")],
];

test.each(answers)("to %s, %s (%p) means what it should", (command, _name, result, outcome) => {
  expect(readOutcome(command, result)).toEqual(outcome);
});

test("an unknown command's answer is told all the same", () => {
  expect(readOutcome(undefined, 0)).toEqual({ succeeded: true });
  expect(readOutcome(undefined, -4)).toEqual(failed("Interrupted system call"));
  expect(readOutcome(undefined, -4097)).toEqual(failed("Kernel error received: ipset protocol error"));
});

test("an errno that has no name is told as its number", () => {
  expect(readOutcome("CREATE", -999)).toEqual(failed("Unknown error 999"));
});

test("a number that no known ipset answers is told as such", () => {
  expect(readOutcome("CREATE", -4300)).toEqual(failed("IPSET_ERR 4300"));
});

test("errors without a sentence have the names of enum ipset_errno", () => {
  const header = readFileSync("/usr/include/linux/netfilter/ipset/ip_set.h", "utf8");
  const body = /enum ipset_errno \{(.*?)\/\*/s.exec(header)?.[1] ?? "";
  const names = [...body.matchAll(/^\s*(IPSET_ERR_\w+)/gm)].map(([, name]) => name ?? "");
  expect(names.length).toBeGreaterThanOrEqual(19);
  const ours = names.map((_, index) => readOutcome("PROTOCOL", -4096 - index).sentence ?? "");
  for (const [index, sentence] of ours.entries()) {
    if (sentence.startsWith("IPSET_ERR")) expect(sentence).toBe(names[index] ?? "");
  }
  expect(ours).toContain("IPSET_ERR_BUSY");
});

test("where ipset(8) has a sentence, it is the one told, and nowhere else", () => {
  using libipset = openLibipset();
  const errors = [...Array(134).keys(), ...Array.from({ length: 256 }, (_, index) => 4096 + index)].slice(1);
  const theirs = new Set<string>();
  const ours = new Map<string, string>();
  for (const [number, command] of commands.entries()) {
    for (const error of errors) {
      const outcome = readOutcome(command, -error);
      const sentence = libipset.sentence(number, error);
      if (sentence) theirs.add(sentence);
      if (outcome.succeeded || (sentence === undefined && error === 4)) continue;
      if (sentence)
        expect(`${command} ${error}: ${outcome.sentence}`).toBe(`${command} ${error}: ${sentence}`);
      else ours.set(`${command} ${error}`, outcome.sentence ?? "");
    }
  }
  expect(theirs.size).toBeGreaterThan(20);
  expect([...ours].filter(([, sentence]) => theirs.has(sentence))).toEqual([]);
});
