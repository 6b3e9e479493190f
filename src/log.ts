// Everything said on stderr. stdout belongs to the events alone, and consola writes info there by
// default, hence a reporter of our own; consola/core has no other, and is a tenth of consola.
import { writeSync } from "node:fs";
import { createConsola, LogLevels } from "consola/core";

const KEPT_WARNINGS = 20;
const LIBBPF_LEVELS = ["warning", "info", "debug"] as const;

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

/** libbpf's last warnings: shown with -v as they come, otherwise only if something fails. */
const warnings: string[] = [];
/** What the verifier ends its log with: no complaint. */
const statistics = /^(processed \d+ insns|verification time|stack depth|\s*$)/;

export const log = {
  setVerbose: () => {
    consola.level = LogLevels.debug;
  },
  info: (message: string) => consola.info(message),
  /** What mine decided and why; only with -v. */
  decision: (message: string) => consola.debug(`mine: ${message}`),
  warn: (message: string) => consola.warn(`mine: warning: ${message}`),
  error: (message: string) => consola.error(`mine: ${message}`),
  /** One line of libbpf's log; level as in enum libbpf_print_level. */
  libbpf: (level: number, line: string) => {
    const name = LIBBPF_LEVELS[level] ?? "debug";
    for (const text of line.replace(/^libbpf: /, "").split("\n")) {
      consola.debug(`libbpf: ${name}: ${text}`);
      if (level > 0) continue;
      warnings.push(text);
      if (warnings.length > KEPT_WARNINGS) warnings.shift();
    }
  },
  takeLibbpfWarnings: () => warnings.splice(0),
  /** The program that the kernel's verifier refused last, and its last line about it; undefined when it said nothing. */
  verifierRefusal: (): { program: string; complaint: string } | undefined => {
    const end = warnings.lastIndexOf("-- END PROG LOAD LOG --");
    const complaint = warnings.slice(0, Math.max(end, 0)).findLast((line) => !statistics.test(line));
    const program = warnings
      .slice(end + 1)
      .map((line) => /^prog '(\w+)':/.exec(line)?.[1])
      .find(Boolean);
    return complaint === undefined || program === undefined
      ? undefined
      : { program, complaint: complaint.trim() };
  },
};
