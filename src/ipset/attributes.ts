// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads netlink attributes (linux/netlink.h): a list of { u16 length, u16 type, payload } in host byte order.
// Each attribute is aligned to 4 bytes. The bytes are untrusted input: every length is checked before use.

/** One attribute. Its type lacks the two flag bits; its payload is bytes[start .. end). */
export class Attribute {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;

  constructor(type: number, bytes: Uint8Array, start: number, end: number) {
    this.type = type;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** A view of the message, not a copy. */
  get payload(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}

export interface AttributeList {
  attributes: Attribute[];
  /** The fault in the bytes after the last listed attribute, if there is one. */
  malformed: string | undefined;
  /** The attribute that reaches past the end, with the bytes that are present. A truncated capture ends in one. */
  overrun?: Attribute;
  /** Missing bytes of `overrun`. */
  missing?: number;
}

const HEADER_SIZE = 4;
export const NLA_F_NESTED = 0x8000;
export const NLA_F_NET_BYTEORDER = 0x4000;
const TYPE_MASK = 0x3fff; // without these two flags

/** Iterates over the attributes in bytes[start .. end), without an object for each. */
export class AttributeCursor {
  /** Type of the current attribute; its payload is bytes[start .. end). */
  type = 0;
  start = 0;
  end = 0;
  /** Missing bytes of the current attribute, where it reaches past the end of the list. */
  missing = 0;
  readonly #bytes: Uint8Array;
  readonly #listStart: number;
  readonly #listEnd: number;
  /** Offset of the next attribute. */
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#listStart = start;
    this.#listEnd = end;
    this.#at = start;
  }

  /** Moves to the next attribute. @returns false unless there is one and it is whole. */
  next(): boolean {
    const at = this.#at;
    const left = this.#listEnd - at;
    if (left < HEADER_SIZE) return false;
    const length = u16(this.#bytes, at);
    if (length < HEADER_SIZE) return false;
    this.type = u16(this.#bytes, at + 2) & TYPE_MASK;
    this.start = at + HEADER_SIZE;
    this.end = Math.min(at + length, this.#listEnd);
    this.missing = Math.max(length - left, 0);
    if (this.missing > 0) return false;
    this.#at = at + ((length + 3) & ~3);
    return true;
  }

  /** The fault in the bytes after the last attribute, if there is one. */
  get malformed(): string | undefined {
    const left = this.#listEnd - this.#at;
    if (left <= 0) return undefined; // senders may omit the padding of the last attribute
    if (left < HEADER_SIZE) return `${left} stray bytes at the end`;
    const length = u16(this.#bytes, this.#at);
    return `attribute at byte ${this.#at - this.#listStart} says it is ${length} bytes long`;
  }
}

/** Reads the list that is bytes[start .. end). */
export function readAttributes(bytes: Uint8Array, start = 0, end = bytes.length): AttributeList {
  const attributes: Attribute[] = [];
  const cursor = new AttributeCursor(bytes, start, end);
  while (cursor.next()) attributes.push(new Attribute(cursor.type, bytes, cursor.start, cursor.end));
  const { malformed, missing } = cursor;
  if (missing === 0) return { attributes, malformed };
  return { attributes, malformed, overrun: new Attribute(cursor.type, bytes, cursor.start, end), missing };
}

/** Reads a little-endian number. */
export const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
