// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads a configuration file. A line is an option, as on the command line but without dashes: "set = block*" or "utc".
import { readFileSync } from "node:fs";
import { MineError, usageError } from "../errors.ts";
import { commandSummaries, type OptionName, rows, type Values } from "./options.ts";
import { parseCommandLine } from "./parse.ts";

/**
 * @param check throws a MineError if a value is wrong.
 * @returns the options of the file.
 * @throws MineError (usage) with the path and the line.
 */
export function readConfigFile(path: string, check: (values: Values) => unknown): Values {
  let values: Values = {};
  for (const [index, line] of readLines(path).entries()) {
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    try {
      const added = readLine(line);
      check(added);
      values = merged(values, added);
    } catch (error) {
      if (!(error instanceof MineError)) throw error;
      throw usageError(`${path}:${index + 1}: ${error.message}`);
    }
  }
  return values;
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch (error) {
    throw usageError(`--config: cannot read ${path}: ${(error as Error).message}`);
  }
}

function readLine(line: string): Values {
  const [, name, value] = /^\s*([\w-]+)\s*(?:=\s*(.*?)\s*)?$/.exec(line) ?? [];
  if (name === undefined) throw usageError(`'${line}' is neither 'option = value' nor 'option'`);
  const { values } = parseCommandLine([value === undefined ? `--${name}` : `--${name}=${value}`]);
  if ((Object.keys(values) as OptionName[]).some(isForCommandLine))
    throw usageError(`'${name}' is for the command line only`);
  return values;
}

/** The option prints a text, or names another file. */
const isForCommandLine = (name: OptionName): boolean =>
  name === "config" || rows[name].commands.length === Object.keys(commandSummaries).length;

function merged(earlier: Values, added: Values): Values {
  const output = [...(earlier.output ?? []), ...(added.output ?? [])];
  return { ...earlier, ...added, ...(output.length > 0 && { output }) };
}
