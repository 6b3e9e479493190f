// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes addresses as text, as the C library's inet_ntop() does.
import type { ByteWriter } from "./byte-writer.ts";

/** Writes an address. @param bytes 4 bytes of IPv4 or 16 bytes of IPv6, in network byte order. */
export function writeAddress(out: ByteWriter, bytes: Uint8Array): void {
  if (bytes.length === 4) writeIpv4(out, bytes, 0);
  else writeIpv6(out, bytes);
}

export function writeMac(out: ByteWriter, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at++) {
    if (at > 0) out.ascii(":");
    writeUpperHex(out, bytes[at] ?? 0);
  }
}

const UPPER_DIGITS = "0123456789ABCDEF";

function writeUpperHex(out: ByteWriter, byte: number): void {
  out.byte(UPPER_DIGITS.charCodeAt(byte >> 4));
  out.byte(UPPER_DIGITS.charCodeAt(byte & 0xf));
}

function writeIpv4(out: ByteWriter, bytes: Uint8Array, start: number): void {
  for (let at = start; at < start + 4; at++) {
    if (at > start) out.ascii(".");
    out.decimal(bytes[at] ?? 0);
  }
}

function writeIpv6(out: ByteWriter, bytes: Uint8Array): void {
  const zeroes = longestZeroes(bytes);
  // ::a.b.c.d and ::ffff:a.b.c.d embed an IPv4 address.
  const endsInIpv4 =
    zeroes.start === 0 && (zeroes.length === 6 || (zeroes.length === 5 && wordOf(bytes, 5) === 0xffff));
  const end = endsInIpv4 ? 6 : 8;
  for (let index = 0; index < end; ) {
    if (index === zeroes.start && zeroes.length >= 2) {
      out.ascii("::");
      index += zeroes.length;
      continue;
    }
    if (index > 0 && index !== zeroes.start + zeroes.length) out.ascii(":");
    out.hex(wordOf(bytes, index));
    index += 1;
  }
  if (!endsInIpv4) return;
  if (zeroes.length === 5) out.ascii(":");
  writeIpv4(out, bytes, 12);
}

const wordOf = (bytes: Uint8Array, index: number): number =>
  ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0);

/** Returns the first of the longest runs of zero words. A run has at least two words. */
function longestZeroes(bytes: Uint8Array): { start: number; length: number } {
  let longest = { start: -1, length: 0 };
  let length = 0;
  for (let index = 0; index < 8; index++) {
    length = wordOf(bytes, index) === 0 ? length + 1 : 0;
    if (length > Math.max(longest.length, 1)) longest = { start: index - length + 1, length };
  }
  return longest;
}
