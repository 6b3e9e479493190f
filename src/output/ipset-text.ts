// Elements and options as ipset(8) writes them, so that a line can be given to ipset again. What a stranger
// chose is escaped, and then it is no longer what ipset would take: that cannot be had together.
import type { Element } from "../netlink/ipset-element.ts";
import type { Option, Value } from "../netlink/ipset-values.ts";
import { formatAddress, formatMac } from "./address.ts";
import { quoted, word } from "./escape.ts";
import { portName, protocolName } from "./protocols.ts";

type Writers = { [Kind in Value["kind"]]: (value: Extract<Value, { kind: Kind }>) => string };

const families: Partial<Record<number, string>> = { 2: "inet", 10: "inet6" };
const PHYSDEV = "physdev:";
const FULL_MASK = 0xffffffff;

const writers: Writers = {
  addresses: ({ from, prefix, to }) => {
    // One address alone is written without its prefix length.
    const isOne = prefix === from.length * 8 && to === undefined;
    const length = prefix === undefined || isOne ? "" : `/${prefix}`;
    return `${formatAddress(from)}${length}${to ? `-${formatAddress(to)}` : ""}`;
  },
  ports: ({ protocol, from, to }) => {
    const prefix = protocol === undefined ? "" : `${protocolName(protocol)}:`;
    return `${prefix}${portName(protocol, from)}${to === undefined ? "" : `-${portName(protocol, to)}`}`;
  },
  mac: ({ address }) => formatMac(address),
  interface: ({ name, isPhysdev }) => `${isPhysdev ? PHYSDEV : ""}${partName(name)}`,
  set: ({ name }) => partName(name),
  family: ({ family }) => families[family] ?? String(family),
  number: ({ number }) => String(number),
  bits: ({ bits }) => `0x${bits.toString(16).padStart(8, "0")}`,
  comment: ({ text }) => quoted(text),
  skbmark: ({ mark, mask }) => `0x${mark.toString(16)}${mask === FULL_MASK ? "" : `/0x${mask.toString(16)}`}`,
  skbprio: ({ major, minor }) => `${major.toString(16)}:${minor.toString(16)}`,
};

/** Between the commas of an element no name may pass for two parts, or for a part of another kind. */
function partName(name: Uint8Array): string {
  const text = word(name);
  return text.includes(",") || text.startsWith(PHYSDEV) ? quoted(name) : text;
}

export function formatValue(value: Value): string {
  // Each writer takes the values of its own kind, which TypeScript cannot follow through the index.
  return (writers[value.kind] as (value: Value) => string)(value);
}

/** @returns `10.0.0.0/24,tcp:80`. */
export function formatParts({ parts }: Pick<Element, "parts">): string {
  return parts.map(formatValue).join(",");
}

/** @returns `timeout 300 nomatch`. */
export function formatOptions(options: readonly Option[]): string {
  return options.map(({ name, value }) => (value ? `${name} ${formatValue(value)}` : name)).join(" ");
}

/** @returns the element and its options, as `ipset add SET` takes them. */
export function formatElement(element: Element): string {
  const options = formatOptions(element.options);
  return options === "" ? formatParts(element) : `${formatParts(element)} ${options}`;
}
