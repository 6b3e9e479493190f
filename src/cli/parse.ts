// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Parses the command line. node:util splits the arguments like getopt; the table of options validates them.
// citty's own parser accepts unknown options and drops options that stand before a command, so it gets no arguments.
import { parseArgs } from "node:util";
import { usageError } from "../errors.ts";
import { nearest } from "./nearest.ts";
import {
  type CommandName,
  commandSummaries,
  defaultCommand,
  type OptionName,
  optionNames,
  rows,
  spellings,
  type Values,
} from "./options.ts";

export interface CommandLine {
  /** The named command; undefined for the default. */
  command: CommandName | undefined;
  values: Values;
}

interface OptionToken {
  name: string;
  rawName: string;
  /** Index of the argument with the option. */
  index: number;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}

const commandNames = Object.keys(commandSummaries) as CommandName[];

const syntax = Object.fromEntries(
  optionNames.map((name) => {
    const { short, value } = rows[name];
    return [name, { type: value ? "string" : "boolean", ...(short && { short }) } as const];
  }),
);

/**
 * Reads options and a command in any order. A repeated option has its last value.
 * @throws MineError (usage) at the first wrong argument.
 */
export function parseCommandLine(args: string[]): CommandLine {
  const { tokens } = parseArgs({
    args,
    options: syntax,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  let command: CommandName | undefined;
  const given = new Map<OptionName, { rawName: string; value: string | true }>();
  for (const token of tokens) {
    if (token.kind === "positional") command = readCommand(token.value, command);
    if (token.kind !== "option") continue;
    const name = optionNames.find((known) => known === token.name);
    if (!name || !spellings(name).includes(token.rawName)) throw unknownOption(token, args);
    given.set(name, { rawName: token.rawName, value: readValue(name, token) });
  }
  for (const [name, { rawName }] of given) {
    if (rows[name].commands.includes(command ?? defaultCommand)) continue;
    throw usageError(`option '${rawName}' is for 'mine ${rows[name].commands.join(", ")}' only`);
  }
  const values = Object.fromEntries([...given].map(([name, { value }]) => [name, value]));
  return { command, values: values as Values };
}

function readCommand(word: string, earlier: CommandName | undefined): CommandName {
  if (earlier !== undefined) throw usageError(`unexpected argument '${word}'`);
  const command = commandNames.find((known) => known === word);
  if (command) return command;
  throw usageError(`unknown command '${word}'${suggestion(nearest(word, commandNames))}`);
}

function readValue(name: OptionName, { rawName, value, inlineValue }: OptionToken): string | true {
  const { value: placeholder, words } = rows[name];
  if (!placeholder) {
    if (value !== undefined) throw usageError(`option '${rawName}' takes no value`);
    return true;
  }
  if (value === undefined) throw usageError(`option '${rawName}' needs a value: ${rawName} ${placeholder}`);
  // A forgotten value is more likely than a value that begins with a dash.
  if (!inlineValue && value.startsWith("-") && value !== "-") {
    throw usageError(`option '${rawName}' needs a value; if it is '${value}', write --${name}=${value}`);
  }
  if (words && !words.includes(value)) {
    throw usageError(`--${name}: '${value}' is none of ${words.join(", ")}`);
  }
  return value;
}

/** Compares the whole argument, since `-all` comes here as `-a`. */
function unknownOption({ rawName, index }: OptionToken, args: string[]) {
  const typed = args[index]?.replace(/=.*/s, "") ?? rawName;
  const longNames = optionNames.filter((name) => name.length > 1);
  const found = nearest(typed.replace(/^-+/, ""), longNames);
  const shown = typed.startsWith("--") ? typed : rawName;
  return usageError(`unknown option '${shown}'${suggestion(found && `--${found}`)}`);
}

const suggestion = (found: string | undefined): string => (found ? `; did you mean '${found}'?` : "");
