// Addresses as text, the way the C library's inet_ntop() writes them.

/** @param bytes 4 of IPv4 or 16 of IPv6. */
export function formatAddress(bytes: Uint8Array): string {
  return bytes.length === 4 ? bytes.join(".") : formatIpv6(bytes);
}

export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
}

function formatIpv6(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2));
  const zeroes = longestZeroes(words);
  // ::a.b.c.d and ::ffff:a.b.c.d: addresses of IPv4 in IPv6.
  const endsInIpv4 =
    zeroes.start === 0 && (zeroes.length === 6 || (zeroes.length === 5 && words[5] === 0xffff));
  const text = words.slice(0, endsInIpv4 ? 6 : 8).map((word) => word.toString(16));
  if (endsInIpv4) text.push(formatAddress(bytes.subarray(12)));
  if (zeroes.length < 2) return text.join(":");
  const before = text.slice(0, zeroes.start).join(":");
  const after = text.slice(zeroes.start + zeroes.length).join(":");
  return `${before}::${after}`;
}

/** The first of the longest runs. */
function longestZeroes(words: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let length = 0;
  for (const [index, word] of words.entries()) {
    length = word === 0 ? length + 1 : 0;
    if (length > longest.length) longest = { start: index - length + 1, length };
  }
  return longest;
}
