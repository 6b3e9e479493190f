// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/** Splits a text between words into lines of at most `width` characters. A longer word gets its own line. */
export function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
