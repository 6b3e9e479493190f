// Bytes that a stranger chose, as one printable word. Whatever comes in, what goes out holds no control
// character, no line end, no bidirectional override, and cannot be mistaken for another part of the line.
import type { ByteWriter } from "./byte-writer.ts";
import { readCodePoint, utf8Length } from "./utf8.ts";

/**
 * Letters, marks, numbers, punctuation, symbols. Not: controls, format characters (bidi), separators, nor those
 * letters, marks and symbols that show nothing (Hangul fillers, variation selectors, blank Braille).
 */
const printable = /^(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;
/** Needs quotes around it: ends a word, starts a quote, an escape or one of our own <marks>. */
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

/** The same for ASCII, which is nearly all there is, without asking the regular expressions each time. */
const ascii = Array.from({ length: 0x80 }, (_, codePoint) => codePoint);
const bareAscii = Uint8Array.from(ascii, (codePoint) => Number(isBareCharacter(codePoint)));
const quotableAscii = Uint8Array.from(ascii, (codePoint) => Number(isQuotable(codePoint)));

/** Writes the bytes as they are if that is unambiguous, else in double quotes with escapes as in C. */
export function writeWord(out: ByteWriter, bytes: Uint8Array): void {
  if (isBareWord(bytes)) out.copy(bytes);
  else writeQuoted(out, bytes);
}

/**
 * The same for a name between the other parts of a line: quotes also tell it from a dash, an option, and a list.
 */
export function writeName(out: ByteWriter, bytes: Uint8Array): void {
  if (isBareName(bytes)) out.copy(bytes);
  else writeQuoted(out, bytes);
}

/** Can stand without quotes between the other parts of a line. */
export function isBareName(bytes: Uint8Array): boolean {
  return isBareWord(bytes) && bytes[0] !== DASH && bytes[bytes.length - 1] !== COMMA;
}

/** Writes the bytes in double quotes, with escapes as in C. */
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

/** @returns a sentence that may quote what a stranger wrote, in which nothing is but spaces and what is printable. */
export function harmless(sentence: string): string {
  return Array.from(sentence, (character) => {
    const codePoint = character.codePointAt(0) ?? 0;
    return codePoint === SPACE || isPrintable(codePoint) ? character : `\\u{${codePoint.toString(16)}}`;
  }).join("");
}

/** Writes the bytes as text: UTF-8 as it is, but for a backslash, which is doubled; other bytes as \xNN. */
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

/** Writes the first `limit` bytes in hexadecimal, and how many more there are. */
export function writeHex(out: ByteWriter, bytes: Uint8Array, limit: number): void {
  const shown = Math.min(bytes.length, limit);
  out.hexBytes(bytes.subarray(0, shown));
  if (bytes.length > shown) out.ascii(` +${bytes.length - shown} bytes`);
}

/** Can stand without quotes, and then every byte stands for itself. */
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

/** @param codePoint undefined where the byte is not part of any character. */
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
