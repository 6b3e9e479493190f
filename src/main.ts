// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs the command line and sets the exit code.

import { run } from "./cli/commands.ts";
import { defaultCommand } from "./cli/options.ts";
import { parseCommandLine } from "./cli/parse.ts";
import { report } from "./cli/report.ts";
import { requestedText } from "./cli/texts.ts";
import { EXIT_DONE } from "./errors.ts";
import { print } from "./output/stdout.ts";

async function main(args: string[]): Promise<number> {
  try {
    const commandLine = parseCommandLine(args);
    const text = await requestedText(commandLine);
    if (text === undefined) await run(commandLine.command ?? defaultCommand, commandLine.values);
    else print(text);
    return EXIT_DONE;
  } catch (error) {
    return report(error);
  }
}

process.exitCode = await main(process.argv.slice(2));
