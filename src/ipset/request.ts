// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes ipset requests as ipset(8) does: struct nlmsghdr, struct nfgenmsg, attributes (UAPI linux/netlink.h,
// linux/netfilter/nfnetlink.h). Headers are in host byte order, which is little-endian on every platform of mine.
import { commandAttributes, elementAttributes } from "./attribute-kinds.ts";
import { NLA_F_NESTED, NLA_F_NET_BYTEORDER } from "./attributes.ts";
import { type Command, commands } from "./message.ts";

/** Bits of nlmsg_flags. */
export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_DUMP = 0x300;

const NFNL_SUBSYS_IPSET = 6;
const IPSET_ATTR_IPADDR_IPV4 = 1;
/** enum ipset_cmd_flags: LIST without elements. */
const IPSET_FLAG_LIST_HEADER = 1 << 2;
/** Protocol version that every kernel accepts. Version 7 is new in Linux 4.20. */
const IPSET_PROTOCOL = 6;
const AF_INET = 2;
const NLMSG_HEADER_SIZE = 16;
const NLMSG_NOOP = 1;
const HEADERS_SIZE = 20;
/** linux/rtnetlink.h: RTM_GETLINK, and the bytes of its struct ifinfomsg. */
const RTM_GETLINK = 18;
const IFINFOMSG_BYTES = 16;

const encoder = new TextEncoder();

/** Returns an ipset message. @param sequence a number that the kernel's reply repeats. */
export function ipsetRequest(
  command: Command,
  { flags, sequence }: { flags: number; sequence: number },
  ...attributes: Uint8Array[]
): Uint8Array {
  const message = concat([
    new Uint8Array(HEADERS_SIZE),
    byte(commandAttributes.protocol[0], IPSET_PROTOCOL),
    ...attributes,
  ]);
  const header = new DataView(message.buffer);
  header.setUint32(0, message.length, true);
  header.setUint16(4, (NFNL_SUBSYS_IPSET << 8) | commands.indexOf(command), true);
  header.setUint16(6, flags, true);
  header.setUint32(8, sequence, true);
  header.setUint8(16, AF_INET);
  return message;
}

/** Returns a request without an effect, for which the kernel loads ip_set. */
export const noneRequest = (): Uint8Array => ipsetRequest("NONE", { flags: NLM_F_REQUEST, sequence: 0 });

/**
 * Returns an NLMSG_NOOP message: the kernel acknowledges it, and does nothing else.
 * @param padding bytes after the header.
 */
export const noopRequest = (sequence: number, padding = 0): Uint8Array =>
  emptyRequest(NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, sequence, padding);

/** Returns a request to NETLINK_ROUTE for the dump of all interfaces. */
export const linksRequest = (sequence: number): Uint8Array =>
  emptyRequest(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, sequence, IFINFOMSG_BYTES);

function emptyRequest(type: number, flags: number, sequence: number, padding: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(NLMSG_HEADER_SIZE + padding));
  header.setUint32(0, header.byteLength, true);
  header.setUint16(4, type, true);
  header.setUint16(6, flags, true);
  header.setUint32(8, sequence, true);
  return new Uint8Array(header.buffer);
}

export const setName = (name: string): Uint8Array => zeroEnded(commandAttributes.setName[0], name);
/** Returns the new name for RENAME. */
export const newName = (name: string): Uint8Array => zeroEnded(commandAttributes.secondName[0], name);

/** Returns the type attributes of CREATE and TYPE, for IPv4. @param revision a revision for CREATE. */
export const setType = (name: string, revision?: number): Uint8Array[] => [
  zeroEnded(commandAttributes.typeName[0], name),
  ...(revision === undefined ? [] : [byte(commandAttributes.revision[0], revision)]),
  byte(commandAttributes.family[0], AF_INET),
];

/** Returns the data of CREATE (its options), or of ADD, DEL and TEST (one element). */
export const data = (...inner: Uint8Array[]): Uint8Array => nested(commandAttributes.data[0], ...inner);

/** Returns an IPv4 address. @param address four bytes. */
export const ip = (address: readonly number[]): Uint8Array =>
  nested(
    elementAttributes.ip[0],
    attribute(IPSET_ATTR_IPADDR_IPV4 | NLA_F_NET_BYTEORDER, Uint8Array.from(address)),
  );

/** Returns the `ipset restore` line of an element. With a line number the kernel sends an error by another path. */
export const lineNumber = (line: number): Uint8Array => number(commandAttributes.lineNumber[0], line);

/** Returns a request for all sets of the network namespace. @param withElements false: only what the sets are. */
export const setsRequest = (sequence: number, withElements: boolean): Uint8Array =>
  ipsetRequest(
    "LIST",
    { flags: NLM_F_REQUEST | NLM_F_DUMP, sequence },
    ...(withElements ? [] : [number(commandAttributes.flags[0], IPSET_FLAG_LIST_HEADER)]),
  );

const byte = (type: number, value: number) => attribute(type, Uint8Array.of(value));
/** Returns a number of 32 bits, in network byte order. */
function number(type: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return attribute(type | NLA_F_NET_BYTEORDER, bytes);
}

const zeroEnded = (type: number, text: string) => attribute(type, encoder.encode(`${text}\0`));
const nested = (type: number, ...inner: Uint8Array[]) => attribute(type | NLA_F_NESTED, concat(inner));

/** Returns an attribute, padded to 4 bytes. Its length field does not count the padding. */
function attribute(type: number, payload: Uint8Array): Uint8Array {
  const length = 4 + payload.length;
  const bytes = new Uint8Array((length + 3) & ~3);
  const header = new DataView(bytes.buffer);
  header.setUint16(0, length, true);
  header.setUint16(2, type, true);
  bytes.set(payload, 4);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
