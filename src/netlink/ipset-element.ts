// One element of a set, as ADD, DEL and TEST name it. The trap: the message does not say the type of the set.
// But all types put what they have of these attributes in the same order, so that order is the text.
import { readAttributes } from "./attributes.ts";
import { Fields } from "./fields.ts";
import { dataFlags, elementAttributes } from "./ipset-attributes.ts";
import { asBits, asNumber, flagOptions, type Option, option, type Value } from "./ipset-values.ts";
import { Remainder, type UnknownAttribute } from "./remainder.ts";

export interface Element {
  /** With commas between them they are the element as ipset(8) writes it. */
  parts: Value[];
  /** In the order of ipset(8). */
  options: Option[];
  /** Of the input of `ipset restore`, from 1 on; 0 outside of it. */
  lineNumber: number | undefined;
  unknown: UnknownAttribute[];
  /** What is wrong with it, if anything is. */
  malformed: string | undefined;
}

type ElementFields = Fields<typeof elementAttributes>;

/** @param bytes payload of an IPSET_ATTR_DATA. */
export function readElement(bytes: Uint8Array): Element {
  const remainder = new Remainder();
  const { attributes, malformed } = readAttributes(bytes);
  remainder.complain(malformed);
  const fields = new Fields("element", elementAttributes, attributes, remainder);
  const lineNumber = fields.take("lineNumber");
  const flags = takeFlags(fields);
  const parts = [
    ...takeAddresses(fields, "ip", "prefix", "ipTo"),
    ...takePorts(fields),
    ...part(fields.take("mark"), asBits),
    ...part(fields.take("mac"), (address) => ({ kind: "mac", address })),
    ...takeAddresses(fields, "ip2", "prefix2", "ip2To"),
    ...part(fields.take("interfaceName"), (name) => {
      return { kind: "interface", name, isPhysdev: (flags & dataFlags.physdev) !== 0 };
    }),
    ...part(fields.take("setName"), (name) => ({ kind: "set", name })),
  ];
  const reference = flags & dataFlags.before ? "before" : "after";
  const options = [
    ...option(reference, fields.take("referenceName"), (name) => ({ kind: "set", name })),
    ...option("timeout", fields.take("timeout"), asNumber),
    ...flagOptions(flags, { nomatch: dataFlags.nomatch, wildcard: dataFlags.wildcard }),
    ...option("packets", fields.take("packets"), asNumber),
    ...option("bytes", fields.take("bytes"), asNumber),
    ...option("comment", fields.take("comment"), (text) => ({ kind: "comment", text })),
    ...option("skbmark", fields.take("skbMark"), (pair) => {
      return { kind: "skbmark", mark: Number(pair >> 32n), mask: Number(pair & 0xffffffffn) };
    }),
    ...option("skbprio", fields.take("skbPriority"), (pair) => {
      return { kind: "skbprio", major: pair >>> 16, minor: pair & 0xffff };
    }),
    ...option("skbqueue", fields.take("skbQueue"), asNumber),
  ];
  fields.keepRest();
  return { parts, options, lineNumber, unknown: remainder.unknown, malformed: remainder.malformed };
}

/** Bits that mean nothing here stay behind, and the attribute with them. */
function takeFlags(fields: ElementFields): number {
  const flags = fields.peek("flags") ?? 0;
  const used =
    dataFlags.nomatch |
    (fields.has("interfaceName") ? dataFlags.physdev | dataFlags.wildcard : 0) |
    (fields.has("referenceName") ? dataFlags.before : 0);
  if ((flags & ~used) === 0) fields.take("flags");
  return flags & used;
}

type AddressNames = ["ip", "prefix", "ipTo"] | ["ip2", "prefix2", "ip2To"];

function takeAddresses(fields: ElementFields, ...[ip, prefix, to]: AddressNames): Value[] {
  return part(fields.take(ip), (from) => {
    return { kind: "addresses", from, prefix: fields.take(prefix), to: fields.take(to) };
  });
}

function takePorts(fields: ElementFields): Value[] {
  return part(fields.take("port"), (from) => {
    return { kind: "ports", protocol: fields.take("protocol"), from, to: fields.take("portTo") };
  });
}

function part<T>(value: T | undefined, typed: (value: T) => Value): Value[] {
  return value === undefined ? [] : [typed(value)];
}
