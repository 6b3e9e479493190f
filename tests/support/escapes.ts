// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Decodes escaped text into bytes, by the meaning of escapes in C and in Rust. The decoder is independent of
// src/output/escape.ts, so the latter is not tested against itself.

const bytesOf = (...parts: (string | number)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))));

/** Decodes the inside of double quotes. */
function unquoted(text: string): Uint8Array {
  const parts = text.matchAll(/\\x(..)|\\u\{(\w+)\}|\\(n)|\\(t)|\\(.)|([^\\])/gsu);
  return bytesOf(
    ...[...parts].map(([, byte, codePoint, newline, tab, itself, plain]) => {
      if (byte) return Number.parseInt(byte, 16);
      if (codePoint) return String.fromCodePoint(Number.parseInt(codePoint, 16));
      return newline ? "\n" : tab ? "\t" : (itself ?? plain ?? "");
    }),
  );
}

/** Decodes words with single spaces between them, each bare or in quotes. */
export function readWords(text: string): Uint8Array[] {
  const words = [...text.matchAll(/(?:^| )(?:"((?:[^"\\]|\\.)*)"|([^\s"\\]+))(?=$| )/gsu)];
  if (words.map(([word]) => word).join("") !== text) throw new Error(`not words: ${text}`);
  return words.map(([, quoted, bare]) => (bare === undefined ? unquoted(quoted ?? "") : Buffer.from(bare)));
}

/** Decodes one word. @throws {Error} if there are more, or none. */
export function readWord(text: string): Uint8Array {
  const [word, ...others] = readWords(text);
  if (!word || others.length > 0) throw new Error(`not one word: ${text}`);
  return word;
}

/** Decodes text where only a backslash is special: \xNN is a byte, a doubled backslash is a backslash. */
export function readLossless(text: string): Uint8Array {
  return bytesOf(
    ...[...text.matchAll(/\\x([0-9a-f]{2})|\\(\\)|([^\\])|(.)/gsu)].map(([, byte, backslash, plain]) => {
      if (byte) return Number.parseInt(byte, 16);
      const itself = backslash ?? plain;
      if (itself === undefined) throw new Error(`a backslash that means nothing: ${text}`);
      return itself;
    }),
  );
}
