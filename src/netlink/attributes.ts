// Netlink attributes (linux/netlink.h): a list of { u16 length, u16 type, payload }, host byte order, each
// on a boundary of 4. The bytes are a stranger's: every length is checked before it is used.

export interface Attribute {
  /** Without the two flag bits. */
  type: number;
  /** A view of the message, not a copy. */
  payload: Uint8Array;
}

export interface AttributeList {
  attributes: Attribute[];
  /** What is wrong with the bytes after the last attribute listed, if anything is. */
  malformed?: string;
  /** The attribute that reaches past the end, with what is there of it: all there is when a capture was cut. */
  overrun?: Attribute;
}

const HEADER_SIZE = 4;
const TYPE_MASK = 0x3fff; // without NLA_F_NESTED and NLA_F_NET_BYTEORDER

export function readAttributes(bytes: Uint8Array): AttributeList {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const attributes: Attribute[] = [];
  let at = 0;
  while (bytes.length - at >= HEADER_SIZE) {
    const length = view.getUint16(at, true);
    const type = view.getUint16(at + 2, true) & TYPE_MASK;
    if (length < HEADER_SIZE || length > bytes.length - at) {
      const malformed = `attribute at byte ${at} says it is ${length} bytes long`;
      if (length < HEADER_SIZE) return { attributes, malformed };
      return { attributes, malformed, overrun: { type, payload: bytes.subarray(at + HEADER_SIZE) } };
    }
    attributes.push({ type, payload: bytes.subarray(at + HEADER_SIZE, at + length) });
    at += (length + 3) & ~3;
  }
  // The padding of the last attribute may be missing; anything else is not an attribute.
  if (at < bytes.length) return { attributes, malformed: `${bytes.length - at} stray bytes at the end` };
  return { attributes };
}
