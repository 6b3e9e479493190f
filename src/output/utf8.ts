// UTF-8 among bytes that may be none (RFC 3629): no overlong forms, no surrogates, nothing beyond U+10FFFF.

/** By the number of bytes: the least code point that needs them. */
const leastOf = [0, 0, 0x80, 0x800, 0x10000];
const MOST = 0x10ffff;

/** @param first the first byte of a character. */
export function utf8Length(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

/** @returns the code point of the character that begins here; undefined where none does. */
export function readCodePoint(bytes: Uint8Array, at: number): number | undefined {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return first;
  if (first < 0xc0) return undefined; // a continuation
  const length = utf8Length(first);
  let codePoint = first & (0x7f >> length);
  for (let next = at + 1; next < at + length; next++) {
    const byte = bytes[next] ?? 0;
    if ((byte & 0xc0) !== 0x80) return undefined;
    codePoint = (codePoint << 6) | (byte & 0x3f);
  }
  const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
  const isInRange = codePoint >= (leastOf[length] ?? 0) && codePoint <= MOST;
  return isInRange && !isSurrogate && first < 0xf8 ? codePoint : undefined;
}
