// The options of CREATE, in the order in which `ipset save` writes them.
import { readAttributes } from "./attributes.ts";
import { Fields } from "./fields.ts";
import { createAttributes, dataFlags } from "./ipset-attributes.ts";
import type { IpsetMessage } from "./ipset-message.ts";
import { asBits, asNumber, flagOptions, type Option, option, type Value } from "./ipset-values.ts";
import type { Remainder } from "./remainder.ts";

type AddressRange = Extract<Value, { kind: "addresses" }>;

const words = {
  counters: dataFlags.counters,
  comment: dataFlags.comment,
  forceadd: dataFlags.forceadd,
  skbinfo: dataFlags.skbinfo,
};
const knownFlags = Object.values(words).reduce((all, bit) => all | bit);

/**
 * @param set what the command says of the set beside its options.
 * @param bytes payload of IPSET_ATTR_DATA, if there is one.
 */
export function readCreateOptions(
  { typeName, family }: Pick<IpsetMessage, "typeName" | "family">,
  bytes: Uint8Array | undefined,
  remainder: Remainder,
): Option[] {
  const { attributes, malformed } = readAttributes(bytes ?? new Uint8Array());
  remainder.complain(malformed && `options: ${malformed}`);
  const fields = new Fields("create", createAttributes, attributes, remainder);
  const flags = fields.peek("flags") ?? 0;
  // Bits that mean nothing here stay behind, and the attribute with them.
  if ((flags & ~knownFlags) === 0) fields.take("flags");
  const options = [
    ...familyOption(typeName, family),
    ...takeRange(fields),
    ...option("markmask", fields.take("markMask"), asBits),
    ...option("hashsize", fields.take("hashSize"), asNumber),
    ...option("maxelem", fields.take("maxElements"), asNumber),
    ...option("netmask", fields.take("netMask"), asNumber),
    ...option("bitmask", fields.take("bitMask"), asAddress),
    ...option("size", fields.take("size"), asNumber),
    ...option("timeout", fields.take("timeout"), asNumber),
    ...flagOptions(flags, words),
    ...option("bucketsize", fields.take("bucketSize"), asNumber),
    ...option("initval", fields.take("initialValue"), asBits),
    ...option("resize", fields.take("resize"), asNumber),
  ];
  fields.keepRest();
  return options;
}

/** Only of a type that has a choice: a bitmap is always of inet, and says so without an option. */
function familyOption(typeName: Uint8Array | undefined, family: number | undefined): Option[] {
  const hasChoice = typeName !== undefined && new TextDecoder().decode(typeName).startsWith("hash:");
  return hasChoice && family ? [{ name: "family", value: { kind: "family", family } }] : [];
}

/** Of a bitmap: its first and last address, or port. */
function takeRange(fields: Fields<typeof createAttributes>): Option[] {
  return [
    ...option("range", fields.take("ip"), (from): Value => {
      return networkRange({
        kind: "addresses",
        from,
        prefix: fields.take("prefix"),
        to: fields.take("ipTo"),
      });
    }),
    ...option("range", fields.take("port"), (from): Value => {
      return { kind: "ports", protocol: undefined, from, to: fields.take("portTo") };
    }),
  ];
}

/** A network given by its prefix length is shown by its first and last address, as the set will show it. */
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
