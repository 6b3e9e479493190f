// Everything said on stderr. stdout belongs to the events alone, and consola writes info there by
// default, hence a reporter of our own; consola/core has no other, and is a tenth of consola.
import { writeSync } from "node:fs";
import { createConsola, LogLevels } from "consola/core";

const consola = createConsola({
  level: LogLevels.info,
  throttle: 0,
  reporters: [{ log: (entry) => writeLine(entry.args.join(" ")) }],
});

/** Controls, format characters, line ends: a line may quote what a stranger typed or a program said. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const escaped = (character: string): string => `\\u{${character.codePointAt(0)?.toString(16)}}`;

/** At once, so that lines keep their place among the events; a stderr that is gone is no reason to stop. */
function writeLine(line: string): void {
  try {
    writeSync(2, `${line.replaceAll(unprintable, escaped)}\n`);
  } catch {
    // nowhere left to say it
  }
}

export const log = {
  setVerbose: () => {
    consola.level = LogLevels.debug;
  },
  info: (message: string) => consola.info(message),
  /** What mine decided and why; only with -v. */
  decision: (message: string) => consola.debug(`mine: ${message}`),
  warn: (message: string) => consola.warn(`mine: warning: ${message}`),
  error: (message: string) => consola.error(`mine: ${message}`),
  /** A line of libbpf's log; only with -v. */
  libbpf: (level: string, line: string) => consola.debug(`libbpf: ${level}: ${line}`),
};
