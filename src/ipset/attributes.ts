// Netlink attributes (linux/netlink.h): a list of { u16 length, u16 type, payload }, host byte order, each
// on a boundary of 4. The bytes are a stranger's: every length is checked before it is used.

/** One attribute, without the two flag bits of its type; its payload is bytes[start .. end). */
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
  /** What is wrong with the bytes after the last attribute listed, if anything is. */
  malformed: string | undefined;
  /** The attribute that reaches past the end, with what is there of it: all there is when a capture was cut. */
  overrun?: Attribute;
  /** How much of it is missing. */
  missing?: number;
}

const HEADER_SIZE = 4;
const TYPE_MASK = 0x3fff; // without NLA_F_NESTED and NLA_F_NET_BYTEORDER

/** Goes from attribute to attribute of the list that is bytes[start .. end), without an object for each. */
export class AttributeCursor {
  /** Of the attribute where it stands; its payload is bytes[start .. end). */
  type = 0;
  start = 0;
  end = 0;
  /** How much is missing of the attribute that reaches past the end of the list; it then stands there. */
  missing = 0;
  readonly #bytes: Uint8Array;
  readonly #listStart: number;
  readonly #listEnd: number;
  /** Where the next attribute begins. */
  #at: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#listStart = start;
    this.#listEnd = end;
    this.#at = start;
  }

  /** @returns whether there is another one that is whole. */
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

  /** What is wrong with the bytes after the last attribute, if anything is. */
  get malformed(): string | undefined {
    const left = this.#listEnd - this.#at;
    if (left <= 0) return undefined; // the padding of the last attribute may be missing
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
