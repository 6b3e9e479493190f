// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Returns texts that replace a run. Their code is loaded on demand: a run does not need it.
import packageJson from "../../package.json" with { type: "json" };
import type { Values } from "./options.ts";
import type { CommandLine } from "./parse.ts";

/** Returns the requested text, without the last newline; undefined for a run. */
export async function requestedText({ command, values }: CommandLine): Promise<string | undefined> {
  const { h, help, version, generate } = values;
  if (h) return (await import("./help.ts")).shortHelp(command);
  if (help) return (await import("./help.ts")).longHelp(command);
  if (version) return packageJson.version;
  return generate === undefined ? undefined : generated(generate);
}

/** Returns a file of an installation, without the last newline. */
export async function generated(kind: NonNullable<Values["generate"]>): Promise<string> {
  switch (kind) {
    case "man":
      return (await import("./man-page.ts")).manPage();
    case "complete-bash":
      return (await import("./complete-bash.ts")).bashCompletion();
    case "complete-zsh":
      return (await import("./complete-zsh.ts")).zshCompletion();
    case "complete-fish":
      return (await import("./complete-fish.ts")).fishCompletion();
  }
}
