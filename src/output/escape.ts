// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes untrusted bytes as one printable word. The word has no control character, no line end and no
// bidirectional override. It cannot imitate another part of the line.
import type { ByteWriter } from "./byte-writer.ts";
import { readCodePoint, utf8Length } from "./utf8.ts";

/**
 * Letters, marks, numbers, punctuation and symbols. Excluded are controls, format characters (bidi) and separators.
 * Excluded are also invisible letters, marks and symbols (Hangul fillers, variation selectors, blank Braille).
 */
const printable = /^(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;
/** Characters that need quotes: they end a word, or start a quote, an escape or a <mark> of mine. */
const meaningful = /^[\s"\\<>()]$/u;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const COMMA = 0x2c;
const DASH = 0x2d;

const isPrintable = (codePoint: number): boolean => printable.test(String.fromCodePoint(codePoint));
const isBareCharacter = (codePoint: number): boolean =>
  isPrintable(codePoint) && !meaningful.test(String.fromCodePoint(codePoint));
const isQuotable = (codePoint: number): boolean =>
  codePoint === SPACE || (isPrintable(codePoint) && codePoint !== QUOTE && codePoint !== BACKSLASH);

/** Tables for ASCII, which is most input: a lookup costs less than a regular expression. */
const ascii = Array.from({ length: 0x80 }, (_, codePoint) => codePoint);
const bareAscii = Uint8Array.from(ascii, (codePoint) => Number(isBareCharacter(codePoint)));
const quotableAscii = Uint8Array.from(ascii, (codePoint) => Number(isQuotable(codePoint)));

/** Writes the bytes unchanged if that is unambiguous, else in double quotes with C escapes. */
export function writeWord(out: ByteWriter, bytes: Uint8Array): void {
  if (isBareWord(bytes)) out.copy(bytes);
  else writeQuoted(out, bytes);
}

/** Writes a name between other parts of a line. A leading dash (an option) or trailing comma (a list) also needs quotes. */
export function writeName(out: ByteWriter, bytes: Uint8Array): void {
  if (isBareName(bytes)) out.copy(bytes);
  else writeQuoted(out, bytes);
}

/** Returns true if a name needs no quotes between other parts of a line. */
export function isBareName(bytes: Uint8Array): boolean {
  return isBareWord(bytes) && bytes[0] !== DASH && bytes[bytes.length - 1] !== COMMA;
}

/** Writes the bytes in double quotes, with C escapes. */
export function writeQuoted(out: ByteWriter, bytes: Uint8Array): void {
  out.byte(QUOTE);
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    if (quotableAscii[byte] === 1) {
      out.byte(byte);
      at += 1;
      continue;
    }
    const codePoint = readCodePoint(bytes, at);
    const length = codePoint === undefined ? 1 : utf8Length(byte);
    if (codePoint !== undefined && isQuotable(codePoint)) out.copy(bytes.subarray(at, at + length));
    else writeEscape(out, codePoint, byte);
    at += length;
  }
  out.byte(QUOTE);
}

/** Returns a sentence with untrusted quotes, in which every unprintable character except a space is escaped. */
export function harmless(sentence: string): string {
  return Array.from(sentence, (character) => {
    const codePoint = character.codePointAt(0) ?? 0;
    return codePoint === SPACE || isPrintable(codePoint) ? character : `\\u{${codePoint.toString(16)}}`;
  }).join("");
}

/** Writes the bytes as reversible text: UTF-8 unchanged, a backslash doubled, and other bytes as \xNN. */
export function writeLossless(out: ByteWriter, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    const isValid = readCodePoint(bytes, at) !== undefined;
    const length = isValid ? utf8Length(byte) : 1;
    if (byte === BACKSLASH) out.ascii("\\\\");
    else if (!isValid) writeByteEscape(out, byte);
    else if (length === 1) out.byte(byte);
    else out.copy(bytes.subarray(at, at + length));
    at += length;
  }
}

/** Writes the first `limit` bytes in hexadecimal, then the number of the others. */
export function writeHex(out: ByteWriter, bytes: Uint8Array, limit: number): void {
  const shown = Math.min(bytes.length, limit);
  out.hexBytes(bytes.subarray(0, shown));
  if (bytes.length > shown) out.ascii(` +${bytes.length - shown} bytes`);
}

/** Returns true if the bytes need no quotes and no escapes. */
function isBareWord(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) {
      if (bareAscii[byte] === 0) return false;
      at += 1;
      continue;
    }
    const codePoint = readCodePoint(bytes, at);
    if (codePoint === undefined || !isBareCharacter(codePoint)) return false;
    at += utf8Length(byte);
  }
  return bytes.length > 0;
}

/** Writes an escape. @param codePoint undefined for a byte that is not valid UTF-8. */
function writeEscape(out: ByteWriter, codePoint: number | undefined, byte: number): void {
  if (codePoint === QUOTE) out.ascii('\\"');
  else if (codePoint === BACKSLASH) out.ascii("\\\\");
  else if (codePoint === 0x0a) out.ascii("\\n");
  else if (codePoint === 0x09) out.ascii("\\t");
  else if (codePoint === undefined || codePoint < 0x80) writeByteEscape(out, byte);
  else {
    out.ascii("\\u{");
    out.hex(codePoint);
    out.ascii("}");
  }
}

function writeByteEscape(out: ByteWriter, byte: number): void {
  out.ascii("\\x");
  out.hex(byte, 2);
}
