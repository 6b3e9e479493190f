// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Every option that mine has, written down a second time: what src/cli makes of its table is checked against this.

const ofTrace = [
  "-o",
  "--output",
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
const ofBoth = ["-v", "--verbose", "--btf", "-h", "--help", "--version", "--generate"];

/** By command, sorted. */
export const everyOption = {
  trace: [...ofTrace, ...ofBoth].sort(),
  doctor: [...ofDoctor, ...ofBoth].sort(),
  either: [...ofTrace, ...ofDoctor, ...ofBoth].sort(),
};

/** Returns the options that a help describes, sorted: they begin its lines. */
export function optionsIn(help: string): string[] {
  const terms = [...help.matchAll(/^ +((?:-\w, )?--\w+|-\w)(?= |$)/gm)];
  return terms.flatMap(([, term = ""]) => term.split(", ")).sort();
}
