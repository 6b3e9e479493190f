// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Python for a test machine, with only the modules that a program imports. The host's Python lists them, also for
// a machine of another architecture: Debian has the same modules for each.
// A compiled module is placed where its source would be: Python compares a .pyc in __pycache__ with its source's time.
import { existsSync } from "node:fs";
import { type Arch, programsFor } from "../support/architecture.ts";
import { VmError } from "../support/vm-error.ts";

const python = "/usr/bin/python3"; // Debian's: another one would not see Debian's modules
const CLIENT = "import threading; from pyroute2.ipset import IPSet";
const listModules = (imports: string): string => `
import sys
${imports}
for module in list(sys.modules.values()):
    source = getattr(module, "__file__", None)
    if source:
        print(source, getattr(module, "__cached__", None) or source, sep="\\t")
`;

/**
 * @param imports Python statements that import the client's modules.
 * @returns path in the machine → path here.
 */
export function pythonFiles(imports = CLIENT, arch: Arch = "x64"): Record<string, string> {
  const listed = Bun.spawnSync([python, "-I", "-c", listModules(imports)]);
  if (!listed.success) {
    throw new VmError(
      `${python} cannot import a module: ${listed.stderr}\n'make setup' installs its package`,
    );
  }
  const modules = listed.stdout.toString().trimEnd().split("\n");
  const { locate } = programsFor(arch);
  const files = modules.flatMap((line) => {
    const [source = "", compiled = ""] = line.split("\t");
    if (arch !== process.arch) {
      // A module that only this host's set-up imports is absent there.
      const [inMachine, here] = locate(source);
      return existsSync(here) ? [[inMachine, here]] : [];
    }
    const isCompiled = compiled.endsWith(".pyc") && existsSync(compiled);
    return isCompiled ? [[source.replace(/\.py$/, ".pyc"), compiled]] : [[source, source]];
  });
  return { [python]: locate(python)[1], ...Object.fromEntries(files) };
}
