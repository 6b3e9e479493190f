// citty takes unknown options and forgotten values in silence; here they are refused, from its own tables.
import { parseArgs } from "node:util";
import type { ArgsDef } from "citty";
import { usageError } from "../errors.ts";

type ParseOptions = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;

/**
 * @param commands the words that may come first.
 * @returns the values of the options given.
 * @throws MineError (usage) at the first argument that `definitions` do not have.
 */
export function strictArgs(rawArgs: string[], definitions: ArgsDef, commands: readonly string[]) {
  const { values, positionals } = parse(rawArgs, parseOptions(definitions));
  checkWords(values, definitions);
  const command = commands.find((name) => name === positionals[0]);
  const unexpected = positionals[command === undefined ? 0 : 1];
  if (unexpected !== undefined) throw usageError(`unexpected argument '${unexpected}'`);
  // citty gives a command only what follows it: options before it would be lost.
  if (command !== undefined && rawArgs[0] !== command) {
    throw usageError(`'${command}' must come before the options`);
  }
  return values;
}

/** citty looks at these too, but what it throws is no MineError. */
function checkWords(values: ReturnType<typeof parse>["values"], definitions: ArgsDef): void {
  for (const [name, definition] of Object.entries(definitions)) {
    const value = values[name];
    if (definition.type !== "enum" || value === undefined) continue;
    const words = definition.options ?? [];
    if (!words.some((word) => word === value)) {
      throw usageError(`--${name}: '${value}' is none of ${words.join(", ")}`);
    }
  }
}

function parseOptions(definitions: ArgsDef): ParseOptions {
  const options: ParseOptions = {};
  for (const [name, definition] of Object.entries(definitions)) {
    options[name] = { type: definition.type === "boolean" ? "boolean" : "string" };
    if ("alias" in definition && typeof definition.alias === "string") options[name].short = definition.alias;
  }
  return options;
}

function parse(args: string[], options: ParseOptions) {
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: true });
  } catch (error) {
    // "Unknown option '--foo'. To specify a positional argument ...": the first sentence says it all, be it
    // followed by others or by other lines.
    const message = error instanceof Error ? error.message : String(error);
    throw usageError(message.split(/\.\s/)[0] ?? message);
  }
}
