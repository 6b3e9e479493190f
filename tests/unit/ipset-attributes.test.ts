// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The tables of attributes against the kernel's own header.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  type AttributeKind,
  commandAttributes,
  createAttributes,
  dataFlags,
  elementAttributes,
  listedAttributes,
} from "../../src/ipset/attribute-kinds.ts";

const header = readFileSync("/usr/include/linux/netfilter/ipset/ip_set.h", "utf8");

/** Every IPSET_ATTR_* of the header with its number. */
function readNumbers(): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const [, body = ""] of header.matchAll(/^enum \{$(.*?)^\};$/gms)) {
    let next = 0;
    const code = body.replace(/\/\*.*?\*\//gs, "");
    for (const [, name = "", base, plus, value] of code.matchAll(
      /(\w+)(?:\s*=\s*(?:(IPSET_\w+)(?: \+ (\d+))?|(\d+)))?,/g,
    )) {
      if (base) next = (numbers.get(base) ?? Number.NaN) + Number(plus ?? 0);
      else if (value) next = Number(value);
      numbers.set(name, next++);
    }
  }
  return numbers;
}

const headerNames = {
  command: {
    protocol: "PROTOCOL",
    setName: "SETNAME",
    typeName: "TYPENAME",
    secondName: "SETNAME2",
    revision: "REVISION",
    family: "FAMILY",
    flags: "FLAGS",
    data: "DATA",
    batch: "ADT",
    lineNumber: "LINENO",
    protocolMin: "PROTOCOL_MIN",
    index: "INDEX",
  },
  create: {
    ip: "IP_FROM",
    ipTo: "IP_TO",
    prefix: "CIDR",
    port: "PORT_FROM",
    portTo: "PORT_TO",
    timeout: "TIMEOUT",
    flags: "CADT_FLAGS",
    markMask: "MARKMASK",
    bitMask: "BITMASK",
    initialValue: "INITVAL",
    hashSize: "HASHSIZE",
    maxElements: "MAXELEM",
    netMask: "NETMASK",
    bucketSize: "BUCKETSIZE",
    resize: "RESIZE",
    size: "SIZE",
  },
  element: {
    ip: "IP",
    ipTo: "IP_TO",
    prefix: "CIDR",
    port: "PORT",
    portTo: "PORT_TO",
    timeout: "TIMEOUT",
    protocol: "PROTO",
    flags: "CADT_FLAGS",
    lineNumber: "CADT_LINENO",
    mark: "MARK",
    mac: "ETHER",
    setName: "NAME",
    referenceName: "NAMEREF",
    ip2: "IP2",
    prefix2: "CIDR2",
    ip2To: "IP2_TO",
    interfaceName: "IFACE",
    bytes: "BYTES",
    packets: "PACKETS",
    comment: "COMMENT",
    skbMark: "SKBMARK",
    skbPriority: "SKBPRIO",
    skbQueue: "SKBQUEUE",
  },
  listed: { elements: "ELEMENTS", references: "REFERENCES", memorySize: "MEMSIZE" },
};

const tables: [keyof typeof headerNames, Record<string, AttributeKind<unknown>>][] = [
  ["command", commandAttributes],
  ["create", createAttributes],
  ["element", elementAttributes],
  ["listed", listedAttributes],
];

test.each(tables)("%s attributes have the numbers of the header", (level, schema) => {
  const numbers = readNumbers();
  expect(numbers.get("IPSET_ATTR_SKBQUEUE")).toBe(29);
  const names: Record<string, string> = headerNames[level];
  const expected = Object.keys(schema).map((name) => {
    // Headers before Linux 6.2 do not have it.
    if (name === "bitMask") return [name, numbers.get("IPSET_ATTR_BITMASK") ?? 12];
    return [name, numbers.get(`IPSET_ATTR_${names[name]}`) ?? Number.NaN];
  });
  expect(Object.entries(schema).map(([name, [number]]) => [name, number])).toEqual(expected);
});

test("flags have the bits of the header", () => {
  const { before, physdev, nomatch, wildcard, ...created } = dataFlags;
  const expected = {
    ...{ BEFORE: before, PHYSDEV: physdev, NOMATCH: nomatch, IFACE_WILDCARD: wildcard },
    ...{ WITH_COUNTERS: created.counters, WITH_COMMENT: created.comment },
    ...{ WITH_FORCEADD: created.forceadd, WITH_SKBINFO: created.skbinfo },
  };
  for (const [name, flag] of Object.entries(expected)) {
    const bit = new RegExp(`IPSET_FLAG_BIT_${name}\\s*= (\\d+)`).exec(header)?.[1];
    expect([name, flag]).toEqual([name, 1 << Number(bit)]);
  }
});
