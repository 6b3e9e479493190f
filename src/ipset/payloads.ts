// The payloads of ipset's attributes: numbers are in network byte order, strings end at a NUL or with the
// attribute. One that is too short is not read at all; of one that is too long the kernel looks at the
// first bytes only, and so do we; either is malformed.
import { type Attribute, AttributeCursor, readAttributes } from "./attributes.ts";
import type { Remainder } from "./remainder.ts";

export interface Payload<T> {
  minSize: number;
  maxSize: number;
  /** Where the size does not tell: whether a glance shows that nothing is wrong with bytes[start .. end). */
  isPlain?(bytes: Uint8Array, start: number, end: number): boolean;
  /** @param attribute at least minSize long. */
  read(attribute: Attribute, remainder: Remainder): T | undefined;
}

/** @param size not more than 4. */
const number = (size: number): Payload<number> => ({
  minSize: size,
  maxSize: size,
  read: ({ bytes, start }) => readNumber(bytes, start, size),
});

/** @param size not more than 4. */
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

/** The bytes themselves, exactly `size`. */
const fixed = (size: number): Payload<Uint8Array> => ({
  minSize: size,
  maxSize: size,
  read: ({ bytes, start }) => bytes.subarray(start, start + size),
});

export const mac = fixed(6);

/** @param size the kernel's limit, with the NUL: of more than that it takes none, but it is worth seeing. */
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

/** A list of attributes, for someone else to read. */
export const list: Payload<Attribute> = {
  minSize: 0,
  maxSize: Number.POSITIVE_INFINITY,
  read: (attribute) => attribute,
};

/** A 16-bit index, whose missing bytes read as zero: a question about it can do no harm. */
export const index: Payload<number> = {
  minSize: 0,
  maxSize: 2,
  read({ payload }, remainder) {
    if (payload.length < 2) remainder.complain(`an index of ${payload.length} bytes`);
    return ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
  },
};

/** By number: IPSET_ATTR_IPADDR_IPV4, IPSET_ATTR_IPADDR_IPV6. */
const addressSizes: Partial<Record<number, number>> = { 1: 4, 2: 16 };
const sizeOf = ({ type }: Attribute): number => addressSizes[type] ?? Number.POSITIVE_INFINITY;

/** An IPv4 or IPv6 address, which is a list of attributes of its own. @returns its 4 or 16 bytes. */
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
    // With two of them it is the family of the set that decides, which is not known here.
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
