// The payloads of ipset's attributes: numbers are in network byte order, strings end at a NUL or with the
// attribute. One that is too short is not read at all; of one that is too long the kernel looks at the
// first bytes only, and so do we; either is malformed.
import { type Attribute, readAttributes } from "./attributes.ts";
import type { Remainder } from "./remainder.ts";

export interface Payload<T> {
  minSize: number;
  maxSize: number;
  /** @param bytes at least minSize of them. */
  read(bytes: Uint8Array, remainder: Remainder): T | undefined;
}

const number = <T>(size: number, get: (view: DataView) => T): Payload<T> => ({
  minSize: size,
  maxSize: size,
  read: (bytes) => get(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
});

export const u8 = number(1, (view) => view.getUint8(0));
export const u16 = number(2, (view) => view.getUint16(0));
export const u32 = number(4, (view) => view.getUint32(0));
export const u64 = number(8, (view) => view.getBigUint64(0));

/** The bytes themselves, exactly `size`. */
const fixed = (size: number): Payload<Uint8Array> => ({
  minSize: size,
  maxSize: size,
  read: (bytes) => bytes.subarray(0, size),
});

export const mac = fixed(6);

/** @param size the kernel's limit, with the NUL: of more than that it takes none, but it is worth seeing. */
export const text = (size: number, noun: string): Payload<Uint8Array> => ({
  minSize: 0,
  maxSize: Number.POSITIVE_INFINITY,
  read(bytes, remainder) {
    const end = bytes.indexOf(0);
    const value = end < 0 ? bytes : bytes.subarray(0, end);
    if (value.length >= size) remainder.complain(`${noun} of ${value.length} bytes`);
    return value;
  },
});

/** A 16-bit index, whose missing bytes read as zero: a question about it can do no harm. */
export const index: Payload<number> = {
  minSize: 0,
  maxSize: 2,
  read(bytes, remainder) {
    if (bytes.length < 2) remainder.complain(`an index of ${bytes.length} bytes`);
    return ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  },
};

/** By number: IPSET_ATTR_IPADDR_IPV4, IPSET_ATTR_IPADDR_IPV6. */
const addressSizes: Partial<Record<number, number>> = { 1: 4, 2: 16 };

/** An IPv4 or IPv6 address, which is a list of attributes of its own. @returns its 4 or 16 bytes. */
export const address: Payload<Uint8Array> = {
  minSize: 0,
  maxSize: Number.POSITIVE_INFINITY,
  read(bytes, remainder) {
    const { attributes, malformed } = readAttributes(bytes);
    remainder.complain(malformed && `address: ${malformed}`);
    // With two of them it is the family of the set that decides, which is not known here.
    const at = attributes.findIndex(isAddress);
    const attribute = attributes[at];
    if (!attribute) {
      remainder.complain("an address that is neither IPv4 nor IPv6");
      return undefined;
    }
    if (attributes.length > 1) remainder.complain("more than one address where one is expected");
    for (const other of attributes.toSpliced(at, 1)) remainder.keep("address", other);
    const size = addressSizes[attribute.type];
    if (attribute.payload.length !== size) {
      remainder.complain(`an address of ${attribute.payload.length} bytes`);
    }
    return attribute.payload.subarray(0, size);
  },
};

function isAddress({ type, payload }: Attribute): boolean {
  return payload.length >= (addressSizes[type] ?? Number.POSITIVE_INFINITY);
}
