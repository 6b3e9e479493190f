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
  longName,
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
    return [longName(name), { type: value ? "string" : "boolean", ...(short && { short }) } as const];
  }),
);

/**
 * Reads options and a command in any order.
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
  const typed: { token: OptionToken; named: OptionName[] }[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") command = readCommand(token.value, command);
    if (token.kind !== "option") continue;
    const named = optionNames.filter((known) => spellings(known).includes(token.rawName));
    if (named.length === 0) throw unknownOption(token, args);
    typed.push({ token, named });
  }
  // Options of two commands can have the same name, and a command can follow its options.
  const given = new Map<OptionName, string | true | string[]>();
  for (const { token, named } of typed) {
    const name = named.find((known) => rows[known].commands.includes(command ?? defaultCommand));
    if (!name) {
      const owners = named.flatMap((known) => rows[known].commands);
      throw usageError(`option '${token.rawName}' is for 'mine ${owners.join(", ")}' only`);
    }
    const value = readValue(name, token);
    const earlier = given.get(name);
    given.set(
      name,
      !rows[name].repeats ? value : [...(Array.isArray(earlier) ? earlier : []), String(value)],
    );
  }
  return { command, values: Object.fromEntries(given) as Values };
}

function readCommand(word: string, earlier: CommandName | undefined): CommandName {
  if (earlier !== undefined) throw usageError(`unexpected argument '${word}'`);
  const command = commandNames.find((known) => known === word);
  if (command) return command;
  throw usageError(`unknown command '${word}'${suggestion(nearest(word, commandNames))}`);
}

function readValue(name: OptionName, { rawName, value, inlineValue }: OptionToken): string | true {
  const { value: placeholder, words, takesPath } = rows[name];
  if (!placeholder) {
    if (value !== undefined) throw usageError(`option '${rawName}' takes no value`);
    return true;
  }
  if (value === undefined) throw usageError(`option '${rawName}' needs a value: ${rawName} ${placeholder}`);
  // A forgotten value is more likely than a value that begins with a dash.
  if (!inlineValue && value.startsWith("-") && value !== "-") {
    throw usageError(
      `option '${rawName}' needs a value; if it is '${value}', write --${longName(name)}=${value}`,
    );
  }
  if (words && !words.includes(takesPath ? value.replace(/:.*$/s, "") : value)) {
    throw usageError(`--${longName(name)}: '${value}' is none of ${words.join(", ")}`);
  }
  return value;
}

/** Compares the whole argument, since `-all` comes here as `-a`. */
function unknownOption({ rawName, index }: OptionToken, args: string[]) {
  const typed = args[index]?.replace(/=.*/s, "") ?? rawName;
  const longNames = [...new Set(optionNames.filter((name) => name.length > 1).map(longName))];
  const found = nearest(typed.replace(/^-+/, ""), longNames);
  const shown = typed.startsWith("--") ? typed : rawName;
  return usageError(`unknown option '${shown}'${suggestion(found && `--${found}`)}`);
}

const suggestion = (found: string | undefined): string => (found ? `; did you mean '${found}'?` : "");
