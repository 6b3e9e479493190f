// Makes a compiled binary deaf to the variables of the environment by which Bun can be told to run other code,
// to open a debugger, or to write files. Bun has no option for that, and sudo does not always clear them.
//
//   bun scripts/seal-binary.ts BINARY     (changed in place)
//
// The names are found as bytes, and their first letter becomes a NUL, which no variable's name can hold; C's
// getenv() takes it for an empty name and finds nothing. Remove this when `bun build --compile` learns not to
// listen. Not reached: BUN_JSC_*, the JavaScript engine's own options, which its code compares without a string.
import { readFileSync, writeFileSync } from "node:fs";

/** Each stands for every name that begins so. */
const names = [
  "BUN_OPTIONS", // command line options, --preload among them
  "BUN_BE_BUN", // the binary becomes the bun command
  "BUN_INSPECT", // a debugger's socket
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
