// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the options of CREATE, in the order of `ipset save`.

import { dataFlags, createAttributes as kinds } from "./attribute-kinds.ts";
import { type Attribute, readAttributes } from "./attributes.ts";
import { Fields } from "./fields.ts";
import type { IpsetMessage } from "./message.ts";
import type { Remainder } from "./remainder.ts";
import { addFlags, addOption, asBits, asNumber, type Option, type Value } from "./values.ts";

type AddressRange = Extract<Value, { kind: "addresses" }>;

const empty = new Uint8Array();
const words = {
  counters: dataFlags.counters,
  comment: dataFlags.comment,
  forceadd: dataFlags.forceadd,
  skbinfo: dataFlags.skbinfo,
};
const knownFlags = Object.values(words).reduce((all, bit) => all | bit);

/**
 * Reads the options of CREATE.
 * @param set the set's type and family, from the attributes of the command.
 * @param data IPSET_ATTR_DATA, if there is one.
 * @param remainder receives faults and unknown attributes.
 */
export function readCreateOptions(
  { typeName, family }: Pick<IpsetMessage, "typeName" | "family">,
  data: Attribute | undefined,
  remainder: Remainder,
): Option[] {
  const { attributes, malformed } = readAttributes(data?.bytes ?? empty, data?.start, data?.end);
  remainder.complain(malformed && `options: ${malformed}`);
  const fields = new Fields("create", attributes, remainder);
  const flags = fields.peek(kinds.flags) ?? 0;
  // An attribute with unknown bits is kept as unknown.
  if ((flags & ~knownFlags) === 0) fields.take(kinds.flags);
  const options: Option[] = [];
  addFamily(options, typeName, family);
  addRange(options, fields);
  addOption(options, "markmask", fields.take(kinds.markMask), asBits);
  addOption(options, "hashsize", fields.take(kinds.hashSize), asNumber);
  addOption(options, "maxelem", fields.take(kinds.maxElements), asNumber);
  addOption(options, "netmask", fields.take(kinds.netMask), asNumber);
  addOption(options, "bitmask", fields.take(kinds.bitMask), asAddress);
  addOption(options, "size", fields.take(kinds.size), asNumber);
  addOption(options, "timeout", fields.take(kinds.timeout), asNumber);
  addFlags(options, flags, words);
  addOption(options, "bucketsize", fields.take(kinds.bucketSize), asNumber);
  addOption(options, "initval", fields.take(kinds.initialValue), asBits);
  addOption(options, "resize", fields.take(kinds.resize), asNumber);
  fields.keepRest();
  return options;
}

/** Adds the family of a hash type. A bitmap is always inet, and ipset(8) writes no option for it. */
function addFamily(options: Option[], typeName: Uint8Array | undefined, family: number | undefined): void {
  const hasChoice = typeName !== undefined && new TextDecoder().decode(typeName).startsWith("hash:");
  if (hasChoice && family) options.push({ name: "family", value: { kind: "family", family } });
}

/** Adds the range of a bitmap: its first and last address, or port. */
function addRange(options: Option[], fields: Fields): void {
  addOption(options, "range", fields.take(kinds.ip), (from) => {
    return networkRange({
      kind: "addresses",
      from,
      prefix: fields.take(kinds.prefix),
      to: fields.take(kinds.ipTo),
    });
  });
  addOption(options, "range", fields.take(kinds.port), (from) => {
    return { kind: "ports", protocol: undefined, from, to: fields.take(kinds.portTo) };
  });
}

/** Converts a network with a prefix length to its first and last address, as `ipset list` shows it. */
function networkRange(range: AddressRange): AddressRange {
  const { from, prefix, to } = range;
  if (from.length !== 4 || prefix === undefined || prefix >= 32 || to) return range;
  const view = new DataView(from.buffer, from.byteOffset, from.byteLength);
  const hosts = 2 ** (32 - prefix);
  const first = Math.floor(view.getUint32(0) / hosts) * hosts;
  return { kind: "addresses", from: ipv4(first), prefix: undefined, to: ipv4(first + hosts - 1) };
}

function ipv4(number: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

const asAddress = (from: Uint8Array): Value => ({
  kind: "addresses",
  from,
  prefix: undefined,
  to: undefined,
});
