// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads what the kernel lists of a set (ip_set_dump_do() in net/netfilter/ipset/ip_set_core.c). The attributes are those
// of CREATE and ADD, and a few that only the kernel sends. A set with many elements takes several messages: only the
// first of them says what the set is.
import { createAttributes, commandAttributes as kinds, listedAttributes } from "./attribute-kinds.ts";
import { type Attribute, NLA_F_NET_BYTEORDER, readAttributes, u16 } from "./attributes.ts";
import { readCreateOptions } from "./create-options.ts";
import { readElements } from "./elements.ts";
import { Fields } from "./fields.ts";
import { commands, HEADERS_SIZE, type IpsetMessage } from "./message.ts";
import { Remainder } from "./remainder.ts";

export interface ListedSet {
  /** Its names, options and elements, as CREATE and ADD have them. */
  message: IpsetMessage;
  /** Elements of the whole set; undefined if this message does not say it. Kernels before 4.9 never do. */
  elementCount: number | undefined;
  /** How many rules and other sets refer to the set; undefined if this message does not say it. */
  references: number | undefined;
}

/** Reads a message. Never throws: faults are in `message.malformed`. */
export function readListedSet(message: Uint8Array): ListedSet {
  const bytes = message.slice();
  const { attributes, malformed } = readAttributes(bytes, HEADERS_SIZE);
  const remainder = new Remainder();
  remainder.complain(malformed);
  const fields = new Fields("command", attributes, remainder);
  const read: IpsetMessage = { command: "LIST", commandNumber: commands.indexOf("LIST") };
  fields.take(kinds.protocol);
  read.setName = fields.take(kinds.setName);
  read.typeName = fields.take(kinds.typeName);
  read.revision = fields.take(kinds.revision);
  read.family = fields.take(kinds.family);
  const data = fields.take(kinds.data);
  if (data) orderMarkMask(data);
  if (read.typeName) read.options = readCreateOptions(read, data, remainder);
  const elements = readElements(bytes, fields, undefined, remainder);
  if (elements.length > 0) read.elements = elements;
  fields.keepRest();
  const counts = readCounts(data);
  const numbers: readonly number[] = Object.values(listedAttributes).map(([number]) => number);
  read.unknown = remainder.unknown.filter(
    ({ level, number }) => level !== "create" || !numbers.includes(number),
  );
  read.malformed = remainder.malformed;
  return { message: read, ...counts };
}

/**
 * Brings the mark mask into network byte order. The kernel sends it in its own order, and without the flag of the others
 * (mtype_head() in net/netfilter/ipset/ip_set_hash_gen.h).
 */
function orderMarkMask({ bytes, start, end }: Attribute): void {
  const [number] = createAttributes.markMask;
  const mask = readAttributes(bytes, start, end).attributes.find(({ type }) => type === number);
  if (mask && (u16(bytes, mask.start - 2) & NLA_F_NET_BYTEORDER) === 0) mask.payload.reverse();
}

function readCounts(data: Attribute | undefined): Pick<ListedSet, "elementCount" | "references"> {
  const attributes = data ? readAttributes(data.bytes, data.start, data.end).attributes : [];
  const fields = new Fields("create", attributes, new Remainder());
  return {
    elementCount: fields.take(listedAttributes.elements),
    references: fields.take(listedAttributes.references),
  };
}
