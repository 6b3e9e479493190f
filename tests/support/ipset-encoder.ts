// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Encodes the attributes of ipset's requests, in network byte order. Numbers come from
// linux/netfilter/ipset/ip_set.h. A Piece also holds the values that a decoder must read.
import type { Option, Value } from "../../src/ipset/values.ts";
import { attribute, ipsetMessage, NLA_F_NESTED, NLA_F_NET_BYTEORDER, zeroEnded } from "./netlink-encoder.ts";

const DATA = 7;
const ADT = 8;

export const nested = (type: number, ...inner: Uint8Array[]) =>
  attribute(type | NLA_F_NESTED, Buffer.concat(inner));
export const u8 = (type: number, value: number) => attribute(type, Buffer.from([value]));
export const u16 = (type: number, value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return attribute(type | NLA_F_NET_BYTEORDER, bytes);
};
export const u32 = (type: number, value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return attribute(type | NLA_F_NET_BYTEORDER, bytes);
};
export const u64 = (type: number, value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return attribute(type | NLA_F_NET_BYTEORDER, bytes);
};
/** Encodes an IP address. @param bytes 4 bytes of IPv4 or 16 of IPv6, in network byte order. */
export const address = (type: number, bytes: Uint8Array) =>
  nested(type, attribute((bytes.length === 4 ? 1 : 2) | NLA_F_NET_BYTEORDER, bytes));

export const setName = (name: string) => attribute(2, zeroEnded(name));
export const element = (...attributes: Uint8Array[]) => nested(DATA, ...attributes);
export const batch = (...elements: Uint8Array[]) => nested(ADT, ...elements);

export const ADD = 9;
export const CREATE = 2;

/** Encodes an ADD of one element. */
export const addition = (...attributes: Uint8Array[]) =>
  ipsetMessage(ADD, setName("a"), element(...attributes));

/** Encodes a CREATE of a set with options. */
export const creation = (typeName: string, family: number, ...attributes: Uint8Array[]) =>
  ipsetMessage(
    CREATE,
    setName("a"),
    attribute(3, zeroEnded(typeName)),
    u8(5, family),
    nested(DATA, ...attributes),
  );

/** Attributes of one part or option of an element, and the values that a decoder must read. */
export interface Piece {
  attributes: Uint8Array[];
  /** Bits of IPSET_ATTR_CADT_FLAGS, the one attribute that all pieces share. */
  flags?: number;
  parts?: Value[];
  options?: Option[];
}

/** Encodes one element from all pieces. `shuffle` decides the order of the attributes. */
export function elementOf(pieces: Piece[], shuffle: <T>(items: T[]) => T[]): Buffer {
  const flags = pieces.reduce((all, piece) => all | (piece.flags ?? 0), 0);
  const attributes = pieces.flatMap((piece) => piece.attributes);
  return element(...shuffle(flags ? [...attributes, u32(8, flags)] : attributes));
}
