// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Decodes UTF-8 in arbitrary bytes (RFC 3629). Invalid are overlong forms, surrogates, and code points > U+10FFFF.

/** Min code point by number of bytes. */
const minCodePoint = [0, 0, 0x80, 0x800, 0x10000];
const MAX_CODE_POINT = 0x10ffff;

/** Returns the number of bytes of a character. @param first its first byte. */
export function utf8Length(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

/** Returns the code point that begins at offset `at`; undefined if it is invalid. */
export function readCodePoint(bytes: Uint8Array, at: number): number | undefined {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return first;
  if (first < 0xc0) return undefined; // a continuation byte
  const length = utf8Length(first);
  let codePoint = first & (0x7f >> length);
  for (let next = at + 1; next < at + length; next++) {
    const byte = bytes[next] ?? 0;
    if ((byte & 0xc0) !== 0x80) return undefined;
    codePoint = (codePoint << 6) | (byte & 0x3f);
  }
  const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
  const isInRange = codePoint >= (minCodePoint[length] ?? 0) && codePoint <= MAX_CODE_POINT;
  return isInRange && !isSurrogate && first < 0xf8 ? codePoint : undefined;
}
