// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The table of IPSET_ATTR_* (UAPI linux/netfilter/ipset/ip_set.h): number, payload, and the noun for error messages.
// One number has several meanings: they depend on the level and the command, and from 17 on also on CREATE.
import { address, index, list, mac, type Payload, text, u8, u16, u32, u64 } from "./payloads.ts";

export type AttributeKind<T> = readonly [number: number, payload: Payload<T>, noun: string];
type Kinds = Record<string, AttributeKind<unknown>>;

const name = text(32, "a name"); // IPSET_MAXNAMELEN
export const commandAttributes = {
  protocol: [1, u8, "a protocol version"],
  setName: [2, name, "a name"],
  typeName: [3, name, "a name"],
  secondName: [3, name, "a name"],
  revision: [4, u8, "a revision"],
  family: [5, u8, "a family"],
  flags: [6, u32, "flags"],
  data: [7, list, "data"],
  batch: [8, list, "a batch"],
  lineNumber: [9, u32, "a line number"],
  protocolMin: [10, u8, "a protocol version"],
  index: [11, index, "an index"],
} as const satisfies Kinds;

/** Attributes that CREATE and an element share. */
const dataAttributes = {
  ip: [1, address, "an address"],
  ipTo: [2, address, "an address"],
  prefix: [3, u8, "a prefix length"],
  port: [4, u16, "a port"],
  portTo: [5, u16, "a port"],
  timeout: [6, u32, "a timeout"],
  flags: [8, u32, "flags"],
} as const satisfies Kinds;

export const createAttributes = {
  ...dataAttributes,
  markMask: [11, u32, "a mark mask"],
  bitMask: [12, address, "an address"], // since Linux 6.2
  initialValue: [17, u32, "an initial value"],
  hashSize: [18, u32, "a hash size"],
  maxElements: [19, u32, "a number of elements"],
  netMask: [20, u8, "a netmask"],
  bucketSize: [21, u8, "a bucket size"], // before Linux 5.11: the number of probes, which no program sent
  resize: [22, u8, "a resize factor"],
  size: [23, u32, "a size"],
} as const satisfies Kinds;

/** Only the kernel sends these, in the options of a set that it lists. IPSET_ATTR_PAD has no content. */
export const listedAttributes = {
  elements: [24, u32, "a number of elements"],
  references: [25, u32, "a number of references"],
  memorySize: [26, u32, "a size"],
} as const satisfies Kinds;

export const elementAttributes = {
  ...dataAttributes,
  protocol: [7, u8, "a protocol"],
  lineNumber: [9, u32, "a line number"],
  mark: [10, u32, "a mark"],
  mac: [17, mac, "a MAC address"],
  setName: [18, name, "a name"],
  referenceName: [19, name, "a name"],
  ip2: [20, address, "an address"],
  prefix2: [21, u8, "a prefix length"],
  ip2To: [22, address, "an address"],
  interfaceName: [23, text(16, "an interface name"), "an interface name"], // IFNAMSIZ
  bytes: [24, u64, "a byte counter"],
  packets: [25, u64, "a packet counter"],
  comment: [26, text(256, "a comment"), "a comment"], // IPSET_MAX_COMMENT_SIZE
  skbMark: [27, u64, "an skbmark"],
  skbPriority: [28, u32, "an skbprio"],
  skbQueue: [29, u16, "an skbqueue"],
} as const satisfies Kinds;

/** enum ipset_cadt_flags */
export const dataFlags = {
  before: 1 << 0,
  physdev: 1 << 1,
  nomatch: 1 << 2,
  counters: 1 << 3,
  comment: 1 << 4,
  forceadd: 1 << 5,
  skbinfo: 1 << 6,
  wildcard: 1 << 7,
} as const;
