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

/** Reads the list that is bytes[start .. end). */
export function readAttributes(bytes: Uint8Array, start = 0, end = bytes.length): AttributeList {
  const attributes: Attribute[] = [];
  let at = start;
  while (end - at >= HEADER_SIZE) {
    const length = u16(bytes, at);
    const type = u16(bytes, at + 2) & TYPE_MASK;
    if (length < HEADER_SIZE || length > end - at) {
      const malformed = `attribute at byte ${at - start} says it is ${length} bytes long`;
      if (length < HEADER_SIZE) return { attributes, malformed };
      const overrun = new Attribute(type, bytes, at + HEADER_SIZE, end);
      return { attributes, malformed, overrun, missing: at + length - end };
    }
    attributes.push(new Attribute(type, bytes, at + HEADER_SIZE, at + length));
    at += (length + 3) & ~3;
  }
  // The padding of the last attribute may be missing; anything else is not an attribute.
  return { attributes, malformed: at < end ? `${end - at} stray bytes at the end` : undefined };
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
