// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks every line that mine prints. Prints the number of lines, or the fault of the first bad line.
//
//   bun check-lines.ts json|text <OUTPUT
import { harmful, parseEvent } from "./schema.ts";

const check: Record<string, (line: string) => void> = {
  json: parseEvent,
  text: (line) => {
    if (harmful.test(line)) throw new Error(`not harmless: ${JSON.stringify(line)}`);
  },
};
const examine = check[process.argv[2] ?? ""];
if (!examine) throw new Error("usage: check-lines.ts json|text");

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
let lines = 0;
let complaint: string | undefined;
let rest = "";
for await (const bytes of Bun.stdin.stream()) {
  const texts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
  rest = texts.pop() ?? "";
  for (const text of texts) {
    lines += 1;
    try {
      examine(text);
    } catch (error) {
      complaint ??= String(error);
    }
  }
}
if (rest !== "") complaint ??= `not a whole line: ${rest}`;
console.log(complaint ?? lines);
