// Bytes that a stranger chose, as one printable word. Whatever comes in, what goes out holds no control
// character, no line end, no bidirectional override, and cannot be mistaken for another part of the line.

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Letters, marks, numbers, punctuation, symbols. Not: controls, format characters (bidi), separators, nor those
 * letters, marks and symbols that show nothing (Hangul fillers, variation selectors, blank Braille).
 */
const printable = /^(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;
/** Needs no quotes: cannot end a word, start a quote, an escape or one of our own <marks>. */
const bare = /^[^\s"\\<>()]+$/u;

/** @returns the bytes as they are if that is unambiguous, else in double quotes with escapes as in C. */
export function word(bytes: Uint8Array): string {
  const { text, isBare } = escaped(bytes);
  return isBare ? text : `"${text}"`;
}

/** @returns the bytes in double quotes, with escapes as in C. */
export function quoted(bytes: Uint8Array): string {
  return `"${escaped(bytes).text}"`;
}

/** @returns the bytes as text: UTF-8 as it is, but for a backslash, which is doubled; other bytes as \xNN. */
export function lossless(bytes: Uint8Array): string {
  let text = "";
  for (const { character, byte } of characters(bytes)) {
    text += character === "\\" ? "\\\\" : (character ?? hexEscape(byte));
  }
  return text;
}

function escaped(bytes: Uint8Array): { text: string; isBare: boolean } {
  let text = "";
  let isBare = bytes.length > 0;
  for (const { character, byte } of characters(bytes)) {
    const shown = character === undefined ? hexEscape(byte) : escapeCharacter(character);
    isBare &&= character !== undefined && shown === character && bare.test(character);
    text += shown;
  }
  return { text, isBare };
}

/** The characters of UTF-8, and the bytes that are none. */
function* characters(bytes: Uint8Array): Generator<{ character: string | undefined; byte: number }> {
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    const character = characterAt(bytes, at);
    yield { character, byte };
    at += character === undefined ? 1 : utf8Length(byte);
  }
}

/** @returns the first `limit` bytes in hexadecimal, and how many more there are. */
export function hex(bytes: Uint8Array, limit: number): string {
  const shown = bytes.subarray(0, limit).toHex();
  return bytes.length > limit ? `${shown} +${bytes.length - limit} bytes` : shown;
}

function utf8Length(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

function characterAt(bytes: Uint8Array, at: number): string | undefined {
  try {
    return decoder.decode(bytes.subarray(at, at + utf8Length(bytes[at] ?? 0)));
  } catch {
    return undefined;
  }
}

function escapeCharacter(character: string): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  if (character === " " || printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? hexEscape(code) : `\\u{${code.toString(16)}}`;
}

const hexEscape = (byte: number): string => `\\x${byte.toString(16).padStart(2, "0")}`;
