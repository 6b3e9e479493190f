// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads one element of a set, as ADD, DEL and TEST carry it. The message does not have the type of the set.
// But all types order these attributes in the same way, so the order needs no type.

import { type AttributeKind, dataFlags, elementAttributes as kinds } from "./attribute-kinds.ts";
import { type Attribute, AttributeCursor, readAttributes } from "./attributes.ts";
import { Fields } from "./fields.ts";
import { type Payload, readNumber } from "./payloads.ts";
import { Remainder, type UnknownAttribute } from "./remainder.ts";
import { addFlags, addOption, asBits, asNumber, type Option, type Value } from "./values.ts";

export interface Element {
  /** The element as ipset(8) writes it, split at its commas. */
  parts: Value[];
  /** Options in the order of ipset(8). */
  options: Option[];
  /** Line in the input of `ipset restore`, from 1 on; 0 for other commands. */
  lineNumber: number | undefined;
  unknown: UnknownAttribute[];
  /** The first fault, if there is one. */
  malformed: string | undefined;
}

const words = { nomatch: dataFlags.nomatch, wildcard: dataFlags.wildcard };

/** One object for every empty element: a message can hold four thousand of them. */
const emptyElement: Element = {
  parts: [],
  options: [],
  lineNumber: undefined,
  unknown: [],
  malformed: undefined,
};

/** Payloads of the attributes of an element, by attribute number. */
const payloads: (Payload<unknown> | undefined)[] = [];
for (const [number, payload] of Object.values(kinds)) payloads[number] = payload;

/** Returns true if the element in bytes[start .. end) is surely well-formed. Costs less than reading it. */
export function isPlainElement(bytes: Uint8Array, start: number, end: number): boolean {
  const cursor = new AttributeCursor(bytes, start, end);
  while (cursor.next()) {
    const payload = payloads[cursor.type];
    const length = cursor.end - cursor.start;
    if (payload === undefined) continue;
    if (length < payload.minSize || length > payload.maxSize) return false;
    if (payload.isPlain?.(bytes, cursor.start, cursor.end) === false) return false;
  }
  return cursor.malformed === undefined;
}

/** Returns the line number that readElement() finds, at a lower cost. */
export function readLineNumber(bytes: Uint8Array, start: number, end: number): number | undefined {
  const [number, { minSize }] = kinds.lineNumber;
  const cursor = new AttributeCursor(bytes, start, end);
  let line: number | undefined;
  while (cursor.next()) {
    if (cursor.type !== number) continue;
    const isThere = cursor.end - cursor.start >= minSize;
    line = isThere ? readNumber(bytes, cursor.start, minSize) : undefined;
  }
  return line;
}

/** Reads one element. @param data an IPSET_ATTR_DATA. */
export function readElement(data: Attribute): Element {
  if (data.length === 0) return emptyElement;
  const remainder = new Remainder();
  const { attributes, malformed } = readAttributes(data.bytes, data.start, data.end);
  remainder.complain(malformed);
  const fields = new Fields("element", attributes, remainder);
  const lineNumber = fields.take(kinds.lineNumber);
  const flags = takeFlags(fields);
  const parts: Value[] = [];
  addAddresses(parts, fields, kinds.ip, kinds.prefix, kinds.ipTo);
  addPorts(parts, fields);
  addPart(parts, fields.take(kinds.mark), asBits);
  addPart(parts, fields.take(kinds.mac), asMac);
  addAddresses(parts, fields, kinds.ip2, kinds.prefix2, kinds.ip2To);
  const name = fields.take(kinds.interfaceName);
  if (name) parts.push({ kind: "interface", name, isPhysdev: (flags & dataFlags.physdev) !== 0 });
  addPart(parts, fields.take(kinds.setName), asSet);
  // Most elements have no options.
  const options = flags === 0 && fields.isEmpty ? [] : takeOptions(fields, flags);
  fields.keepRest();
  return { parts, options, lineNumber, unknown: remainder.unknown, malformed: remainder.malformed };
}

function takeOptions(fields: Fields, flags: number): Option[] {
  const options: Option[] = [];
  const reference = flags & dataFlags.before ? "before" : "after";
  addOption(options, reference, fields.take(kinds.referenceName), asSet);
  addOption(options, "timeout", fields.take(kinds.timeout), asNumber);
  addFlags(options, flags, words);
  addOption(options, "packets", fields.take(kinds.packets), asNumber);
  addOption(options, "bytes", fields.take(kinds.bytes), asNumber);
  addOption(options, "comment", fields.take(kinds.comment), (text) => ({ kind: "comment", text }));
  addOption(options, "skbmark", fields.take(kinds.skbMark), (pair) => {
    return { kind: "skbmark", mark: Number(pair >> 32n), mask: Number(pair & 0xffffffffn) };
  });
  addOption(options, "skbprio", fields.take(kinds.skbPriority), (pair) => {
    return { kind: "skbprio", major: pair >>> 16, minor: pair & 0xffff };
  });
  addOption(options, "skbqueue", fields.take(kinds.skbQueue), asNumber);
  return options;
}

/** Returns the known flag bits. An attribute with unknown bits is kept as unknown. */
function takeFlags(fields: Fields): number {
  const flags = fields.peek(kinds.flags);
  if (flags === undefined) return 0;
  const used =
    dataFlags.nomatch |
    (fields.has(kinds.interfaceName) ? dataFlags.physdev | dataFlags.wildcard : 0) |
    (fields.has(kinds.referenceName) ? dataFlags.before : 0);
  if ((flags & ~used) === 0) fields.take(kinds.flags);
  return flags & used;
}

type Address = AttributeKind<Uint8Array>;

function addAddresses(
  parts: Value[],
  fields: Fields,
  ip: Address,
  prefix: AttributeKind<number>,
  to: Address,
): void {
  const from = fields.take(ip);
  if (from) parts.push({ kind: "addresses", from, prefix: fields.take(prefix), to: fields.take(to) });
}

function addPorts(parts: Value[], fields: Fields): void {
  const from = fields.take(kinds.port);
  if (from === undefined) return;
  parts.push({ kind: "ports", protocol: fields.take(kinds.protocol), from, to: fields.take(kinds.portTo) });
}

/** Adds a part, unless its value is undefined. */
function addPart<T>(parts: Value[], value: T | undefined, typed: (value: T) => Value): void {
  if (value !== undefined) parts.push(typed(value));
}

const asMac = (address: Uint8Array): Value => ({ kind: "mac", address });
const asSet = (name: Uint8Array): Value => ({ kind: "set", name });
