// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes JSON piece by piece. It also escapes characters that JSON allows but a terminal or a log can misinterpret
// (C1 controls, bidi, line ends).
import type { ByteWriter } from "./byte-writer.ts";
import type { Repeated, RepeatedKey } from "./repeated.ts";
import { readCodePoint, utf8Length } from "./utf8.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Controls (Cc), bidi and other format characters (Cf), line ends (Zl and Zp). */
const unsafe = /^[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]$/u;
const shortEscapes: Partial<Record<number, string>> = {
  8: "\\b",
  9: "\\t",
  10: "\\n",
  12: "\\f",
  13: "\\r",
  [QUOTE]: '\\"',
  [BACKSLASH]: "\\\\",
};

const needsEscape = (codePoint: number): boolean =>
  codePoint === QUOTE || codePoint === BACKSLASH || unsafe.test(String.fromCodePoint(codePoint));
const safeAscii = Uint8Array.from({ length: 0x80 }, (_, codePoint) => Number(!needsEscape(codePoint)));

export class JsonWriter {
  readonly #out: ByteWriter;
  /** The current object or array already has a member. */
  #needsComma = false;

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  /** Opens an object or array. @param key the name within an object; absent in an array and at the top level. */
  open(bracket: "{" | "[", key?: string): void {
    this.#begin(key);
    this.#out.ascii(bracket);
    this.#needsComma = false;
  }

  close(bracket: "}" | "]"): void {
    this.#out.ascii(bracket);
    this.#needsComma = true;
  }

  /** Writes a number, unless it is undefined. */
  number(key: string, value: number | undefined): void {
    if (value === undefined) return;
    this.#begin(key);
    this.#out.decimal(value);
  }

  boolean(key: string, value: boolean | undefined): void {
    if (value === undefined) return;
    this.#begin(key);
    this.#out.ascii(String(value));
  }

  text(key: string | undefined, value: string | undefined): void {
    if (value === undefined) return;
    this.string(key, (out) => out.utf8(value));
  }

  hex(key: string, bytes: Uint8Array): void {
    this.#begin(key);
    this.#out.byte(QUOTE);
    this.#out.hexBytes(bytes);
    this.#out.byte(QUOTE);
  }

  /** Writes a string. @param write writes UTF-8, which is then escaped. */
  string(key: string | undefined, write: (out: ByteWriter) => void): void {
    this.#begin(key);
    this.#out.byte(QUOTE);
    const start = this.#out.length;
    write(this.#out);
    escapeFrom(this.#out, start);
    this.#out.byte(QUOTE);
  }

  /**
   * Writes the output of `write`, or nothing if it exceeds `maxBytes`.
   * @param write may call isFull() to stop early.
   * @returns false if nothing is written.
   */
  within(maxBytes: number, write: (isFull: () => boolean) => void): boolean {
    const start = this.#out.length;
    const neededComma = this.#needsComma;
    const isFull = () => this.#out.length - start > maxBytes;
    write(isFull);
    if (!isFull()) return true;
    this.#out.length = start;
    this.#needsComma = neededComma;
    return false;
  }

  /** Writes a cached part. @param write writes members at a fixed place of an object; called only for a new key. */
  repeated(repeated: Repeated, key: RepeatedKey, write: () => void): void {
    repeated.write(this.#out, key, write);
    this.#needsComma = true;
  }

  #begin(key: string | undefined): void {
    if (this.#needsComma) this.#out.byte(COMMA);
    this.#needsComma = true;
    if (key === undefined) return;
    this.#out.byte(QUOTE);
    this.#out.ascii(key);
    this.#out.ascii('":');
  }
}

/** Escapes the output from offset `start` on, in place. */
function escapeFrom(out: ByteWriter, start: number): void {
  let first = start;
  while (first < out.length && safeAscii[out.byteAt(first)] === 1) first += 1;
  if (first === out.length) return;
  const rest = out.written(first).slice();
  out.length = first;
  for (let at = 0; at < rest.length; ) {
    const byte = rest[at] ?? 0;
    const codePoint = readCodePoint(rest, at) ?? 0xfffd;
    const length = utf8Length(byte);
    if (safeAscii[byte] === 1) out.byte(byte);
    else if (needsEscape(codePoint)) out.ascii(shortEscapes[codePoint] ?? unicodeEscape(codePoint));
    else out.copy(rest.subarray(at, at + length));
    at += length;
  }
}

/** Returns \uNNNN; a code point beyond U+FFFF becomes a surrogate pair. */
export function unicodeEscape(codePoint: number): string {
  return String.fromCodePoint(codePoint)
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
