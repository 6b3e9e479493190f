// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the payloads of ipset's attributes. Numbers are in network byte order. Strings end at a NUL or with the
// attribute. A payload that is too short is not read. The kernel reads only the first bytes of a payload that is too
// long, and so does mine. Both are malformed.
import { type Attribute, AttributeCursor, readAttributes } from "./attributes.ts";
import type { Remainder } from "./remainder.ts";

export interface Payload<T> {
  minSize: number;
  maxSize: number;
  /** Returns true if bytes[start .. end) are surely well-formed. Absent where the size is enough. */
  isPlain?(bytes: Uint8Array, start: number, end: number): boolean;
  /** Reads the value. @param attribute an attribute of at least minSize bytes. */
  read(attribute: Attribute, remainder: Remainder): T | undefined;
}

/** Returns the payload of a big-endian number. @param size bytes, at most 4. */
const number = (size: number): Payload<number> => ({
  minSize: size,
  maxSize: size,
  read: ({ bytes, start }) => readNumber(bytes, start, size),
});

/** Reads a big-endian number. @param size bytes, at most 4. */
export function readNumber(bytes: Uint8Array, start: number, size: number): number {
  let value = 0;
  for (let at = start; at < start + size; at++) value = value * 256 + (bytes[at] ?? 0);
  return value;
}

export const u8 = number(1);
export const u16 = number(2);
export const u32 = number(4);
export const u64: Payload<bigint> = {
  minSize: 8,
  maxSize: 8,
  read: ({ bytes, start }) => new DataView(bytes.buffer, bytes.byteOffset + start).getBigUint64(0),
};

/** Returns the payload of exactly `size` raw bytes. */
const fixed = (size: number): Payload<Uint8Array> => ({
  minSize: size,
  maxSize: size,
  read: ({ bytes, start }) => bytes.subarray(start, start + size),
});

export const mac = fixed(6);

/** Returns the payload of a string. @param size the kernel's limit with the NUL; a longer text is read and reported. */
export const text = (size: number, noun: string): Payload<Uint8Array> => ({
  minSize: 0,
  maxSize: Number.POSITIVE_INFINITY,
  isPlain: (bytes, start, end) => end - start < size || (end - start === size && bytes[end - 1] === 0),
  read({ bytes, start, end }, remainder) {
    let nul = start;
    while (nul < end && bytes[nul] !== 0) nul += 1;
    if (nul - start >= size) remainder.complain(`${noun} of ${nul - start} bytes`);
    return bytes.subarray(start, nul);
  },
});

/** A nested list of attributes, for the caller to read. */
export const list: Payload<Attribute> = {
  minSize: 0,
  maxSize: Number.POSITIVE_INFINITY,
  read: (attribute) => attribute,
};

/** A 16-bit index. Missing bytes read as zero: it occurs only in a query, which changes nothing. */
export const index: Payload<number> = {
  minSize: 0,
  maxSize: 2,
  read({ payload }, remainder) {
    if (payload.length < 2) remainder.complain(`an index of ${payload.length} bytes`);
    return ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
  },
};

/** Address sizes in bytes, by IPSET_ATTR_IPADDR_IPV4 and IPSET_ATTR_IPADDR_IPV6. */
const addressSizes: Partial<Record<number, number>> = { 1: 4, 2: 16 };
const sizeOf = ({ type }: Attribute): number => addressSizes[type] ?? Number.POSITIVE_INFINITY;

/** An IPv4 or IPv6 address of 4 or 16 bytes, nested in a list of attributes. */
export const address: Payload<Uint8Array> = {
  minSize: 0,
  maxSize: Number.POSITIVE_INFINITY,
  isPlain(bytes, start, end) {
    const cursor = new AttributeCursor(bytes, start, end);
    return cursor.next() && cursor.end === end && cursor.end - cursor.start === addressSizes[cursor.type];
  },
  read({ bytes, start, end }, remainder) {
    const { attributes, malformed } = readAttributes(bytes, start, end);
    remainder.complain(malformed && `address: ${malformed}`);
    // The kernel chooses between two addresses by the family of the set, which is unknown here.
    const attribute = attributes.find((candidate) => candidate.length >= sizeOf(candidate));
    if (!attribute) {
      remainder.complain("an address that is neither IPv4 nor IPv6");
      return undefined;
    }
    if (attributes.length > 1) remainder.complain("more than one address where one is expected");
    for (const other of attributes) if (other !== attribute) remainder.keep("address", other);
    const size = sizeOf(attribute);
    if (attribute.length !== size) remainder.complain(`an address of ${attribute.length} bytes`);
    return bytes.subarray(attribute.start, attribute.start + size);
  },
};
