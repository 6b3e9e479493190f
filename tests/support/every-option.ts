// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Lists every option of mine a second time. Tests compare the table of src/cli with this list.

const ofTrace = [
  "-o",
  "--output",
  "--time",
  "--utc",
  "--ancestry",
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
const ofAll = ["-v", "--verbose", "-h", "--help", "--version", "--generate"];

/** Options by command, sorted. */
export const everyOption = {
  trace: [...ofTrace, ...ofBoth, ...ofAll].sort(),
  doctor: [...ofDoctor, ...ofBoth, ...ofAll].sort(),
  btf: [...ofBtf, ...ofAll].sort(),
  any: [...ofTrace, ...ofDoctor, ...ofBoth, ...ofAll].sort(),
};

/** Returns the options at the beginning of the lines of a help text, sorted, each one once. */
export function optionsIn(help: string): string[] {
  const terms = [...help.matchAll(/^ +((?:-\w, )?--\w+|-\w)(?= |$)/gm)];
  return [...new Set(terms.flatMap(([, term = ""]) => term.split(", ")))].sort();
}
