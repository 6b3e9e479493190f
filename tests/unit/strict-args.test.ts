// What may be typed. The options are made up here; that citty, which reads them after us, understands the
// same is part of what is tested.
import { expect, test } from "bun:test";
import { type ArgsDef, parseArgs } from "citty";
import { strictArgs } from "../../src/cli/strict-args.ts";
import { EXIT_USAGE, MineError } from "../../src/errors.ts";

const definitions = {
  verbose: { type: "boolean", alias: "v" },
  file: { type: "string", valueHint: "PATH" },
  all: { type: "boolean" },
  form: { type: "enum", alias: "f", options: ["long", "short"], default: "long" },
} as const satisfies ArgsDef;

const walk = { far: { type: "boolean" } } as const satisfies ArgsDef;

const parse = (args: string[]) => strictArgs(args, { run: definitions, walk }, "run").values;

const accepted: [string[], ReturnType<typeof parse>][] = [
  [[], {}],
  [["--verbose"], { verbose: true }],
  [["-v"], { verbose: true }],
  [["-v", "-v", "--verbose"], { verbose: true }],
  [["--file", "/a b"], { file: "/a b" }],
  [["--file=/a=b"], { file: "/a=b" }],
  [["--file=--all"], { file: "--all" }],
  [["--file="], { file: "" }],
  [["--file", "-"], { file: "-" }],
  [["--file", "a", "--file", "b"], { file: "b" }],
  [["--all", "--file", "a", "-v"], { all: true, file: "a", verbose: true }],
  [["-f", "short"], { form: "short" }],
  [["--form=short", "--form", "long"], { form: "long" }],
  [["run"], {}],
  [["run", "--all"], { all: true }],
  [["run", "--file", "walk"], { file: "walk" }],
  [["--file", "run"], { file: "run" }],
  [["--"], {}],
];

test.each(accepted)("%j is accepted, and means the same to citty", (args, values) => {
  expect({ ...parse(args) }).toEqual(values);
  const { verbose, file, all, form } = parseArgs(args, definitions);
  expect(JSON.parse(JSON.stringify({ verbose, file, all, form }))).toEqual({ form: "long", ...values });
});

test("each command has its own options, and is told by its name", () => {
  expect(strictArgs(["walk", "--far"], { run: definitions, walk }, "run")).toMatchObject({
    command: "walk",
    values: { far: true },
  });
  expect(strictArgs(["--all"], { run: definitions, walk }, "run").command).toBe("run");
});

const refused: [string[], string][] = [
  [["--unknown"], "Unknown option '--unknown'"],
  [["--Verbose"], "Unknown option '--Verbose'"],
  [["--verb"], "Unknown option '--verb'"],
  [["-x"], "Unknown option '-x'"],
  [["-a"], "Unknown option '-a'"],
  [["--no-verbose"], "Unknown option '--no-verbose'"],
  [["--verbose=1"], "Option '-v, --verbose' does not take an argument"],
  [["--all=false"], "Option '--all' does not take an argument"],
  [["--file"], "Option '--file <value>' argument missing"],
  [["--file", "--all"], "Option '--file' argument is ambiguous"],
  [["--form", "wide"], "--form: 'wide' is none of long, short"],
  [["-f", "Long"], "--form: 'Long' is none of long, short"],
  [["--form="], "--form: '' is none of long, short"],
  [["word"], "unexpected argument 'word'"],
  [["word", "run"], "unexpected argument 'word'"],
  [["run", "word"], "unexpected argument 'word'"],
  [["run", "walk"], "unexpected argument 'walk'"],
  [["walk", "--all"], "Unknown option '--all'"],
  [["--far"], "Unknown option '--far'"],
  [["run", "--far"], "Unknown option '--far'"],
  [["toString"], "unexpected argument 'toString'"],
  [["run", "--", "--all"], "unexpected argument '--all'"],
  [["--", "--all"], "unexpected argument '--all'"],
  [[""], "unexpected argument ''"],
  // citty would take the command and drop what came before it.
  [["--all", "run"], "'run' must come before the options"],
  [["--file", "walk", "run"], "'run' must come before the options"],
];

test.each(refused)("%j is refused", (args, message) => {
  let refusal: unknown;
  try {
    parse(args);
  } catch (error) {
    refusal = error;
  }
  if (!(refusal instanceof MineError)) throw new Error(`not refused as it should be: ${refusal}`);
  expect(refusal.message).toBe(message);
  expect(refusal.exitCode).toBe(EXIT_USAGE);
  expect(refusal.hint).toBe("Run 'mine --help' to see the options.");
});
