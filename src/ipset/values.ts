// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Typed values of ipset messages. Names and comments are untrusted input: they can hold every byte but NUL.

export type Value =
  /** Addresses of 4 or 16 bytes each, in network byte order. */
  | { kind: "addresses"; from: Uint8Array; prefix: number | undefined; to: Uint8Array | undefined }
  /** Ports. For ICMP and ICMPv6 a port is type * 256 + code. A bitmap:port has no protocol. */
  | { kind: "ports"; protocol: number | undefined; from: number; to: number | undefined }
  | { kind: "mac"; address: Uint8Array }
  | { kind: "interface"; name: Uint8Array; isPhysdev: boolean }
  | { kind: "set"; name: Uint8Array }
  | { kind: "family"; family: number }
  | { kind: "number"; number: number | bigint }
  /** A number that ipset(8) writes in hexadecimal: a mark, a seed. */
  | { kind: "bits"; bits: number }
  | { kind: "comment"; text: Uint8Array }
  | { kind: "skbmark"; mark: number; mask: number }
  | { kind: "skbprio"; major: number; minor: number };

/** One option as ipset(8) names it. An option without a value is a flag. */
export interface Option {
  name: string;
  value?: Value;
}

/** Adds the words whose bits are set, in the order of `words`. */
export function addFlags(options: Option[], flags: number, words: Record<string, number>): void {
  if (flags === 0) return;
  for (const [name, bit] of Object.entries(words)) if (flags & bit) options.push({ name });
}

/** Adds an option, unless its value is undefined. */
export function addOption<T>(
  options: Option[],
  name: string,
  value: T | undefined,
  typed: (value: T) => Value,
): void {
  if (value !== undefined) options.push({ name, value: typed(value) });
}

export const asNumber = (number: number | bigint): Value => ({ kind: "number", number });
export const asBits = (bits: number): Value => ({ kind: "bits", bits });
