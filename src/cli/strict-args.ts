// citty takes unknown options and forgotten values in silence; here they are refused, from its own tables.
import { parseArgs } from "node:util";
import type { ArgsDef } from "citty";
import { usageError } from "../errors.ts";

type ParseOptions = NonNullable<NonNullable<Parameters<typeof parseArgs>[0]>["options"]>;

export interface CommandLine<Name extends string> {
  /** The one that is named, or the one that need not be. */
  command: Name;
  /** Of the options given. */
  values: ReturnType<typeof parse>["values"];
}

/**
 * @param commands what may come first, and what each takes then.
 * @param fallback which of them is meant when none is named.
 * @throws MineError (usage) at the first argument that the command does not have.
 */
export function strictArgs<Name extends string>(
  rawArgs: string[],
  commands: Readonly<Record<Name, ArgsDef>>,
  fallback: NoInfer<Name>,
): CommandLine<Name> {
  const [named] = rawArgs;
  const isNamed = named !== undefined && isKey(commands, named);
  const command = isNamed ? named : fallback;
  const { values, positionals } = parse(
    isNamed ? rawArgs.slice(1) : rawArgs,
    parseOptions(commands[command]),
  );
  checkWords(values, commands[command]);
  const [unexpected] = positionals;
  if (unexpected === undefined) return { command, values };
  // citty gives a command only what follows it: options before it would be lost.
  if (!isNamed && isKey(commands, unexpected)) {
    throw usageError(`'${unexpected}' must come before the options`);
  }
  throw usageError(`unexpected argument '${unexpected}'`);
}

const isKey = <Name extends string>(table: Readonly<Record<Name, unknown>>, name: string): name is Name =>
  Object.hasOwn(table, name);

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
