// Runs the command line and chooses the exit code; nothing else.
import { runCommand } from "citty";
import packageJson from "../package.json" with { type: "json" };
import { print } from "./app/line-writer.ts";
import { commandArgs, defaultCommand, mainCommand, usage } from "./cli/main-command.ts";
import { strictArgs } from "./cli/strict-args.ts";
import { EXIT_DONE } from "./errors.ts";
import { report } from "./report.ts";

async function main(rawArgs: string[]): Promise<number> {
  try {
    const { command, values } = strictArgs(rawArgs, commandArgs, defaultCommand);
    const { help, version } = values;
    if (help) print(await plain(await usage(command)));
    else if (version) print(packageJson.version);
    else await runCommand(mainCommand, { rawArgs });
    return EXIT_DONE;
  } catch (error) {
    return report(error);
  }
}

/** citty colours its help by the environment alone, even into a file. */
async function plain(text: string): Promise<string> {
  if (process.stdout.isTTY) return text;
  const { stripVTControlCharacters } = await import("node:util"); // 3 MB that tracing does without
  return stripVTControlCharacters(text);
}

process.exitCode = await main(process.argv.slice(2));
