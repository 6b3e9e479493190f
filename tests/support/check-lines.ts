// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks every line that mine prints. Prints the number of commands, or the fault of the first bad line.
//
//   bun check-lines.ts json|text <OUTPUT
import { harmful, parseEvents } from "./schema.ts";

/** They return the number of commands in a line. */
const check: Record<string, (line: string) => number> = {
  json: (line) => parseEvents(line).length,
  text: (line) => {
    if (harmful.test(line)) throw new Error(`not harmless: ${JSON.stringify(line)}`);
    return 1;
  },
};
const examine = check[process.argv[2] ?? ""];
if (!examine) throw new Error("usage: check-lines.ts json|text");

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
let commands = 0;
let complaint: string | undefined;
let rest = "";
for await (const bytes of Bun.stdin.stream()) {
  const texts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
  rest = texts.pop() ?? "";
  for (const text of texts) {
    try {
      commands += examine(text);
    } catch (error) {
      complaint ??= String(error);
    }
  }
}
if (rest !== "") complaint ??= `not a whole line: ${rest}`;
console.log(complaint ?? commands);
