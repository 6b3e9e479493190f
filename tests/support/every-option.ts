// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Lists every option of mine a second time. Tests compare the table of src/cli with this list.

const ofTrace = [
  "-o",
  "--output",
  "--rotate",
  "--keep",
  "--config",
  "--time",
  "--utc",
  "--ancestry",
  "--snapshot",
  "--metrics",
  "--command",
  "--all",
  "--set",
  "--uid",
  "--pid",
  "--comm",
  "--failed",
  "--count",
  "--duration",
  "--backend",
  "--buffer",
];
const ofDoctor = ["--json"];
const ofBoth = ["--btf"];
const ofBtf = ["-o", "--output"];
const ofHosted = ["-v", "--verbose"];
const ofInstallers = ["--prefix", "--dry-run"];
const ofAll = ["-h", "--help", "--version", "--generate"];

/** Options by command, sorted. */
export const everyOption = {
  trace: [...ofTrace, ...ofBoth, ...ofHosted, ...ofAll].sort(),
  doctor: [...ofDoctor, ...ofBoth, ...ofHosted, ...ofAll].sort(),
  btf: [...ofBtf, ...ofHosted, ...ofAll].sort(),
  install: [...ofInstallers, ...ofAll].sort(),
  uninstall: [...ofInstallers, ...ofAll].sort(),
  any: [...ofTrace, ...ofDoctor, ...ofInstallers, ...ofBoth, ...ofHosted, ...ofAll].sort(),
};

/** Returns the options at the beginning of the lines of a help text, sorted, each one once. */
export function optionsIn(help: string): string[] {
  const terms = [...help.matchAll(/^ +((?:-\w, )?--[\w-]+|-\w)(?= |$)/gm)];
  return [...new Set(terms.flatMap(([, term = ""]) => term.split(", ")))].sort();
}
