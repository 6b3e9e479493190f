// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Builds lines of UTF-8 in one buffer. Lines reuse the buffer, so that they make no garbage.
// written() returns a view of that buffer: the next write changes it.

const encoder = new TextEncoder();

const DIGIT_ZERO = 0x30;
const LETTER_A = 0x61;
const DIGITS = "0123456789abcdef";

/** Max digits of an exact number: 2 ** 53. */
const MAX_DIGITS = 16;
/** Min bytes for set(): a loop copies fewer bytes faster. */
const LONG = 64;
/** Max bytes of UTF-8 for one UTF-16 unit. */
const UTF8_BYTES = 3;

export class ByteWriter {
  /** Bytes written. A smaller value undoes the last writes. */
  length = 0;
  #bytes: Uint8Array;

  /** @param capacity initial bytes; the buffer grows to the longest text. */
  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Returns a view of the written bytes from offset `from` on. */
  written(from = 0): Uint8Array {
    return this.#bytes.subarray(from, this.length);
  }

  byteAt(index: number): number {
    return this.#bytes[index] ?? 0;
  }

  /** Removes the first bytes; the rest moves to the start. */
  dropFirst(count: number): void {
    this.#bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }

  byte(value: number): void {
    if (this.length + 1 > this.#bytes.length) this.#grow(1);
    this.#bytes[this.length++] = value;
  }

  /** Writes text that must be ASCII. */
  ascii(text: string): void {
    if (this.length + text.length > this.#bytes.length) this.#grow(text.length);
    const bytes = this.#bytes;
    let at = this.length;
    for (let index = 0; index < text.length; index++) bytes[at++] = text.charCodeAt(index);
    this.length = at;
  }

  /** Writes any text, without escapes. A lone surrogate becomes U+FFFD. */
  utf8(text: string): void {
    if (this.length + text.length * UTF8_BYTES > this.#bytes.length) this.#grow(text.length * UTF8_BYTES);
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) {
        this.length += encoder.encodeInto(text.slice(index), this.#bytes.subarray(this.length)).written;
        return;
      }
      this.#bytes[this.length++] = unit;
    }
  }

  copy(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#bytes.length) this.#grow(bytes.length);
    if (bytes.length >= LONG) {
      this.#bytes.set(bytes, this.length);
      this.length += bytes.length;
      return;
    }
    const target = this.#bytes;
    let at = this.length;
    for (let index = 0; index < bytes.length; index++) target[at++] = bytes[index] ?? 0;
    this.length = at;
  }

  /** Writes a decimal number. @param value an integer from 0 to 2 ** 53. */
  decimal(value: number): void {
    if (this.length + MAX_DIGITS > this.#bytes.length) this.#grow(MAX_DIGITS);
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits += 1;
    this.#digits(value, 10, digits);
  }

  /** Writes the last `width` digits of a decimal number, with leading zeroes. */
  paddedDecimal(value: number, width: number): void {
    if (this.length + width > this.#bytes.length) this.#grow(width);
    this.#digits(value, 10, width);
  }

  /** Writes a hexadecimal number. @param width the min number of digits. */
  hex(value: number, width = 1): void {
    let digits = width;
    for (let limit = 16 ** width; value >= limit; limit *= 16) digits += 1;
    if (this.length + digits > this.#bytes.length) this.#grow(digits);
    this.#digits(value, 16, digits);
  }

  /** Writes each byte as two hexadecimal digits. */
  hexBytes(bytes: Uint8Array): void {
    if (this.length + bytes.length * 2 > this.#bytes.length) this.#grow(bytes.length * 2);
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] ?? 0;
      this.#bytes[this.length++] = DIGITS.charCodeAt(byte >> 4);
      this.#bytes[this.length++] = DIGITS.charCodeAt(byte & 0xf);
    }
  }

  #digits(value: number, base: number, count: number): void {
    const bytes = this.#bytes;
    const start = this.length;
    let rest = value;
    for (let at = start + count - 1; at >= start; at--) {
      const digit = rest % base;
      bytes[at] = digit < 10 ? DIGIT_ZERO + digit : LETTER_A + digit - 10;
      rest = (rest - digit) / base;
    }
    this.length = start + count;
  }

  #grow(count: number): void {
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + count));
    grown.set(this.written());
    this.#bytes = grown;
  }
}
