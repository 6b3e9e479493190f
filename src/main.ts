// Runs the command line and chooses the exit code; nothing else.
import "./engine.ts";
import { runCommand } from "citty";
import packageJson from "../package.json" with { type: "json" };
import { LineWriter } from "./app/line-writer.ts";
import { commandNames, mainArgs, mainCommand, usage } from "./cli/main-command.ts";
import { strictArgs } from "./cli/strict-args.ts";
import { EXIT_DONE, EXIT_FAILED, MineError } from "./errors.ts";
import { log } from "./log.ts";

const WAIT_MS = 100;

async function main(rawArgs: string[]): Promise<number> {
  try {
    const { help, version } = strictArgs(rawArgs, mainArgs, commandNames);
    if (help) return await print(await usage());
    if (version) return await print(packageJson.version);
    await runCommand(mainCommand, { rawArgs });
    return EXIT_DONE;
  } catch (error) {
    return report(error);
  }
}

/** citty colours its help by the environment alone, even into a file. */
async function print(text: string): Promise<number> {
  const { stripVTControlCharacters } = await import("node:util"); // 3 MB that tracing does without
  const writer = new LineWriter();
  writer.line.utf8(process.stdout.isTTY ? text : stripVTControlCharacters(text));
  writer.endLine();
  while (!writer.flush()) writer.wait(WAIT_MS);
  return EXIT_DONE;
}

function report(error: unknown): number {
  if (error instanceof MineError) {
    log.error(error.message);
    log.info(`      ${error.hint}`);
    return error.exitCode;
  }
  // Whatever a user can cause is a MineError: this is a bug, and its stack is what helps to mend it.
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  for (const line of stack.split("\n")) log.error(line);
  return EXIT_FAILED;
}

process.exitCode = await main(process.argv.slice(2));
