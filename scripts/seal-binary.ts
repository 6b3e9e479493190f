// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Disables environment variables in a compiled binary. Through them Bun runs other code, opens a debugger or
// writes files. Bun has no option to disable them, and sudo does not always clear them.
//
//   bun scripts/seal-binary.ts BINARY     (changed in place)
//
// The script finds the names as bytes and replaces their first letter with a NUL. No variable's name can have
// one, so getenv() of C sees an empty name and finds nothing. Remove this script when `bun build --compile`
// has an option for it.
// BUN_JSC_* stays: the JavaScript engine compares the names of its own options without a string.
import { readFileSync, writeFileSync } from "node:fs";

/** Prefixes of variable names. */
const names = [
  "BUN_OPTIONS", // command line options, for example --preload
  "BUN_BE_BUN", // turns the binary into the bun command
  "BUN_INSPECT", // opens a debugger's socket
  "BUN_BYTECODE_", // writes files
];

const [path] = Bun.argv.slice(2);
if (!path) throw new Error("usage: seal-binary.ts BINARY");
const binary = readFileSync(path);
for (const name of names) {
  let found = 0;
  for (let at = binary.indexOf(name); at >= 0; at = binary.indexOf(name, at)) {
    binary[at] = 0;
    found += 1;
  }
  if (found === 0) throw new Error(`${path} does not know ${name}: was it renamed in this version of Bun?`);
}
writeFileSync(path, binary);
