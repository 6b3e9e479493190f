// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes elements and options as ipset(8) does, so that users can pass them to ipset again. Untrusted names are
// escaped where they are unsafe. ipset does not accept these: safe output comes first.
import type { Element } from "../ipset/element.ts";
import type { Option, Value } from "../ipset/values.ts";
import { writeAddress, writeMac } from "./address.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { isBareName, writeQuoted } from "./escape.ts";
import { portName, protocolName } from "./protocols.ts";

const families: Partial<Record<number, string>> = { 2: "inet", 10: "inet6" };
const PHYSDEV = "physdev:";
const physdevBytes = new TextEncoder().encode(PHYSDEV);
const COMMA = 0x2c;
const FULL_MASK = 0xffffffff;

type Of<Kind extends Value["kind"]> = Extract<Value, { kind: Kind }>;
type Writers = { [Kind in Value["kind"]]: (out: ByteWriter, value: Of<Kind>) => void };

const writers: Writers = {
  addresses: writeAddresses,
  ports: writePorts,
  mac: (out, { address }) => writeMac(out, address),
  interface: (out, { name, isPhysdev }) => {
    if (isPhysdev) out.ascii(PHYSDEV);
    writePartName(out, name);
  },
  set: (out, { name }) => writePartName(out, name),
  family: (out, { family }) => out.ascii(families[family] ?? String(family)),
  number: (out, { number }) => out.ascii(String(number)),
  bits: (out, { bits }) => {
    out.ascii("0x");
    out.hex(bits, 8);
  },
  comment: (out, { text }) => writeQuoted(out, text),
  skbmark: (out, { mark, mask }) => {
    out.ascii("0x");
    out.hex(mark);
    if (mask === FULL_MASK) return;
    out.ascii("/0x");
    out.hex(mask);
  },
  skbprio: (out, { major, minor }) => {
    out.hex(major);
    out.ascii(":");
    out.hex(minor);
  },
};

export function writeValue(out: ByteWriter, value: Value): void {
  // TypeScript cannot infer that the writer and the value have the same kind.
  (writers[value.kind] as (out: ByteWriter, value: Value) => void)(out, value);
}

function writeAddresses(out: ByteWriter, { from, prefix, to }: Of<"addresses">): void {
  writeAddress(out, from);
  // A single address has no prefix length.
  const isOne = prefix === from.length * 8 && to === undefined;
  if (prefix !== undefined && !isOne) {
    out.ascii("/");
    out.decimal(prefix);
  }
  if (to) {
    out.ascii("-");
    writeAddress(out, to);
  }
}

function writePorts(out: ByteWriter, { protocol, from, to }: Of<"ports">): void {
  if (protocol !== undefined) {
    out.ascii(protocolName(protocol));
    out.ascii(":");
  }
  out.ascii(portName(protocol, from));
  if (to !== undefined) {
    out.ascii("-");
    out.ascii(portName(protocol, to));
  }
}

/** Writes a name between the commas of an element. It must not look like two parts, or like another kind of part. */
function writePartName(out: ByteWriter, name: Uint8Array): void {
  const isPlain = isBareName(name) && !name.includes(COMMA) && !startsWith(name, physdevBytes);
  if (isPlain) out.copy(name);
  else writeQuoted(out, name);
}

const startsWith = (bytes: Uint8Array, prefix: Uint8Array): boolean =>
  prefix.every((byte, at) => bytes[at] === byte);

/** Writes `10.0.0.0/24,tcp:80`. */
export function writeParts(out: ByteWriter, parts: readonly Value[]): void {
  for (let index = 0; index < parts.length; index++) {
    if (index > 0) out.byte(COMMA);
    writeValue(out, parts[index] as Value);
  }
}

/** Writes `timeout 300`. */
export function writeOption(out: ByteWriter, { name, value }: Option): void {
  out.ascii(name);
  if (!value) return;
  out.ascii(" ");
  writeValue(out, value);
}

/** Writes the element and its options, as `ipset add SET` takes them. */
export function writeElement(out: ByteWriter, { parts, options }: Element): void {
  writeParts(out, parts);
  for (const option of options) {
    out.ascii(" ");
    writeOption(out, option);
  }
}
