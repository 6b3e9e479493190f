// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes all messages to stderr. stdout has only events, but consola writes info to stdout by default. Hence the
// custom reporter. consola/core has no reporter, and its size is a tenth of consola.
import { writeSync } from "node:fs";
import { createConsola, LogLevels } from "consola/core";

const consola = createConsola({
  level: LogLevels.info,
  throttle: 0,
  reporters: [{ log: (entry) => writeLine(entry.args.join(" ")) }],
});

/** Controls, format characters, line ends: messages can quote untrusted input. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const escaped = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`;

/** Writes at once, to keep the order relative to events. Ignores errors, because tracing works without stderr. */
function writeLine(line: string): void {
  try {
    writeSync(2, `${line.replaceAll(unprintable, escaped)}\n`);
  } catch {
    // stderr is gone
  }
}

export const log = {
  setVerbose: () => {
    consola.level = LogLevels.debug;
  },
  info: (message: string) => consola.info(message),
  /** Logs a decision of mine with its reason; only with -v. */
  decision: (message: string) => consola.debug(`mine: ${message}`),
  warn: (message: string) => consola.warn(`mine: warning: ${message}`),
  error: (message: string) => consola.error(`mine: ${message}`),
  /** Logs a line of libbpf; only with -v. */
  libbpf: (level: string, line: string) => consola.debug(`libbpf: ${level}: ${line}`),
};
