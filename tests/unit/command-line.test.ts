// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The parser of the command line. It follows the conventions of getopt(3), in any order.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Values } from "../../src/cli/options.ts";
import { parseCommandLine } from "../../src/cli/parse.ts";
import { EXIT_USAGE, MineError } from "../../src/errors.ts";

const accepted: [args: string[], command: string | undefined, values: Values][] = [
  [[], undefined, {}],
  [["trace"], "trace", {}],
  [["doctor"], "doctor", {}],
  [["--verbose"], undefined, { verbose: true }],
  [["-v"], undefined, { verbose: true }],
  [["--btf", "/a b"], undefined, { btf: "/a b" }],
  [["--btf=/a=b"], undefined, { btf: "/a=b" }],
  [["-o", "json"], undefined, { output: ["json"] }],
  [["-ojson"], undefined, { output: ["json"] }],
  [["-vo", "json"], undefined, { verbose: true, output: ["json"] }],
  [["-vojson"], undefined, { verbose: true, output: ["json"] }],
  [["-h"], undefined, { h: true }],
  [["--help"], undefined, { help: true }],
  // Options stand on either side of the command.
  [["-o", "json", "trace"], "trace", { output: ["json"] }],
  [["trace", "-o", "json"], "trace", { output: ["json"] }],
  [["-v", "trace", "--all", "-o", "json"], "trace", { verbose: true, all: true, output: ["json"] }],
  [["--json", "doctor"], "doctor", { json: true }],
  [["btf", "-o", "json"], "btf", { file: "json" }],
  [["--output=/boot/x", "btf"], "btf", { file: "/boot/x" }],
  [["-v", "doctor", "--json"], "doctor", { verbose: true, json: true }],
  // The value of an option is not a command.
  [["--set", "doctor"], undefined, { set: "doctor" }],
  [["--set", "doctor", "trace"], "trace", { set: "doctor" }],
  [["trace", "--comm", "trace"], "trace", { comm: "trace" }],
  // The last value counts, except where all count.
  [["-v", "-v", "--verbose"], undefined, { verbose: true }],
  [["--set", "a", "--set", "b"], undefined, { set: "b" }],
  [["-o", "json", "--output=text"], undefined, { output: ["json", "text"] }],
  [["--output=text:/a:b", "-o", "json"], undefined, { output: ["text:/a:b", "json"] }],
  [["--set=a", "trace", "--set=b"], "trace", { set: "b" }],
  // A value that begins with a dash needs an equals sign, except for a single dash.
  [["--set=--all"], undefined, { set: "--all" }],
  [["--set=-"], undefined, { set: "-" }],
  [["--set", "-"], undefined, { set: "-" }],
  [["--set="], undefined, { set: "" }],
  [["--set", ""], undefined, { set: "" }],
  // After `--`, every word is an argument.
  [["--"], undefined, {}],
  [["--all", "--"], undefined, { all: true }],
  [["--all", "--", "trace"], "trace", { all: true }],
];

test.each(accepted)("accepts %j", (args, command, values) => {
  expect(parseCommandLine(args)).toEqual({ command: command as "trace", values });
});

const refused: [args: string[], message: string][] = [
  [["--frobnicate"], "unknown option '--frobnicate'"],
  [["-x"], "unknown option '-x'"],
  [["-vx"], "unknown option '-x'"],
  [["--outptu"], "unknown option '--outptu'; did you mean '--output'?"],
  [["--outptu", "json"], "unknown option '--outptu'; did you mean '--output'?"],
  [["--outptu=json"], "unknown option '--outptu'; did you mean '--output'?"],
  [["--Verbose"], "unknown option '--Verbose'; did you mean '--verbose'?"],
  [["--verb"], "unknown option '--verb'; did you mean '--verbose'?"],
  [["-all"], "unknown option '-a'; did you mean '--all'?"],
  [["-version"], "unknown option '-e'; did you mean '--version'?"],
  [["--v"], "unknown option '--v'"],
  [["--h"], "unknown option '--h'"],
  [["--no-verbose"], "unknown option '--no-verbose'"],
  [["--__proto__"], "unknown option '--__proto__'"],
  [["--constructor=1"], "unknown option '--constructor'"],
  [["---all"], "unknown option '---all'; did you mean '--all'?"],
  [["--verbose=1"], "option '--verbose' takes no value"],
  [["--all="], "option '--all' takes no value"],
  [["--set"], "option '--set' needs a value: --set GLOB"],
  [["trace", "-o"], "option '-o' needs a value: -o FORMAT"],
  [["--set", "--all"], "option '--set' needs a value; if it is '--all', write --set=--all"],
  [["-o", "-v"], "option '-o' needs a value; if it is '-v', write --output=-v"],
  [["--count", "-1"], "option '--count' needs a value; if it is '-1', write --count=-1"],
  [["--set", "--", "trace"], "option '--set' needs a value; if it is '--', write --set=--"],
  [["--output", "wide"], "--output: 'wide' is none of text, json, journald, syslog"],
  [["-o=json"], "--output: '=json' is none of text, json, journald, syslog"],
  [["-o", "Json"], "--output: 'Json' is none of text, json, journald, syslog"],
  [["--output="], "--output: '' is none of text, json, journald, syslog"],
  [
    ["--generate", "complete-csh"],
    "--generate: 'complete-csh' is none of man, complete-bash, complete-zsh, complete-fish",
  ],
  [["word"], "unknown command 'word'"],
  [["trce"], "unknown command 'trce'; did you mean 'trace'?"],
  [["Doctor"], "unknown command 'Doctor'; did you mean 'doctor'?"],
  [["--all", "doctro"], "unknown command 'doctro'; did you mean 'doctor'?"],
  [["toString"], "unknown command 'toString'"],
  [[""], "unknown command ''"],
  [["-"], "unknown command '-'"],
  [["--", "--all"], "unknown command '--all'"],
  [["trace", "word"], "unexpected argument 'word'"],
  [["trace", "doctor"], "unexpected argument 'doctor'"],
  [["trace", "-v", "trace"], "unexpected argument 'trace'"],
  [["trace", "--", "--all"], "unexpected argument '--all'"],
  [["doctor", "--count", "3"], "option '--count' is for 'mine trace' only"],
  [["-o", "json", "doctor"], "option '-o' is for 'mine trace, btf' only"],
  [["--json"], "option '--json' is for 'mine doctor' only"],
  [["btf", "--json"], "option '--json' is for 'mine doctor' only"],
  [["--json", "trace"], "option '--json' is for 'mine doctor' only"],
  // The message shows the first error.
  [["--bogus", "--outptu", "word"], "unknown option '--bogus'"],
  [["--help", "--bogus"], "unknown option '--bogus'"],
];

test.each(refused)("refuses %j", (args, message) => {
  let refusal: unknown;
  try {
    parseCommandLine(args);
  } catch (error) {
    refusal = error;
  }
  if (!(refusal instanceof MineError)) throw new Error(`not refused as it should be: ${refusal}`);
  expect(refusal.message).toBe(message);
  expect(refusal.exitCode).toBe(EXIT_USAGE);
});

describe("words in any order", () => {
  const options: [args: string[], values: Values][] = [
    [["-o", "json"], { output: ["json"] }],
    [["--set", "doctor"], { set: "doctor" }],
    [["--all"], { all: true }],
    [["--count=3"], { count: "3" }],
    [["-v"], { verbose: true }],
  ];
  test("have the same meaning", () => {
    const parts = [[["trace"], {}] as const, ...options];
    const property = fc.property(fc.shuffledSubarray(parts, { minLength: 1 }), (chosen) => {
      const { command, values } = parseCommandLine(chosen.flatMap(([args]) => args));
      expect(values).toEqual(Object.assign({}, ...chosen.map(([, value]) => value)));
      expect(command).toBe(chosen.some(([[first]]) => first === "trace") ? "trace" : undefined);
    });
    fc.assert(property, { numRuns: 500 });
  });
});
