// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Names of IPSET_ERR_* (linux/netfilter/ipset/ip_set*.h) and their sentences in ipset(8).
// From 4352 on one number has three meanings, one per kind of set type. Few messages have the type.
import { errnoName, errnoSentence } from "bun-libbpf/errno";
import type { Command } from "./message.ts";

/** enum ipset_errno of linux/netfilter/ipset/ip_set.h, from IPSET_ERR_PRIVATE (4096) on. */
const genericErrors = [
  "IPSET_ERR_PRIVATE",
  "IPSET_ERR_PROTOCOL",
  "IPSET_ERR_FIND_TYPE",
  "IPSET_ERR_MAX_SETS",
  "IPSET_ERR_BUSY",
  "IPSET_ERR_EXIST_SETNAME2",
  "IPSET_ERR_TYPE_MISMATCH",
  "IPSET_ERR_EXIST",
  "IPSET_ERR_INVALID_CIDR",
  "IPSET_ERR_INVALID_NETMASK",
  "IPSET_ERR_INVALID_FAMILY",
  "IPSET_ERR_TIMEOUT",
  "IPSET_ERR_REFERENCED",
  "IPSET_ERR_IPADDR_IPV4",
  "IPSET_ERR_IPADDR_IPV6",
  "IPSET_ERR_COUNTER",
  "IPSET_ERR_COMMENT",
  "IPSET_ERR_INVALID_MARKMASK",
  "IPSET_ERR_SKBINFO",
  "IPSET_ERR_BITMASK_NETMASK_EXCL",
] as const;

const PRIVATE = 4096;
/** IPSET_ERR_TYPE_SPECIFIC */
const TYPE_SPECIFIC = 4352;

interface TypeError {
  name: string;
  sentence: string;
}

/** Errors by the part of the type name before the colon; the first has number 4352. */
const typeErrors: Partial<Record<string, readonly TypeError[]>> = {
  bitmap: [
    { name: "IPSET_ERR_BITMAP_RANGE", sentence: "Element is out of the range of the set" },
    {
      name: "IPSET_ERR_BITMAP_RANGE_SIZE",
      sentence: "The range you specified exceeds the size limit of the set type",
    },
  ],
  hash: [
    { name: "IPSET_ERR_HASH_FULL", sentence: "Hash is full, cannot add more elements" },
    {
      name: "IPSET_ERR_HASH_ELEM",
      sentence: "Null-valued element, cannot be stored in a hash type of set",
    },
    { name: "IPSET_ERR_INVALID_PROTO", sentence: "Invalid protocol specified" },
    { name: "IPSET_ERR_MISSING_PROTO", sentence: "Protocol missing, but must be specified" },
    {
      name: "IPSET_ERR_HASH_RANGE_UNSUPPORTED",
      sentence: 'Range is not supported in the "net" component of the element',
    },
    { name: "IPSET_ERR_HASH_RANGE", sentence: "Invalid range, covers the whole address space" },
  ],
  list: [
    {
      name: "IPSET_ERR_NAME",
      sentence: "Set to be added/deleted/tested as element does not exist.",
    },
    { name: "IPSET_ERR_LOOP", sentence: "Sets with list:set type cannot be added to the set." },
    { name: "IPSET_ERR_BEFORE", sentence: "No reference set specified." },
    {
      name: "IPSET_ERR_NAMEREF",
      sentence: "The set to which you referred with 'before' or 'after' does not exist.",
    },
    { name: "IPSET_ERR_LIST_FULL", sentence: "The set is full, more elements cannot be added." },
    {
      name: "IPSET_ERR_REF_EXIST",
      sentence: "The set to which you referred with 'before' or 'after' is not added to the set.",
    },
  ],
};

const sentences: Partial<Record<string, string>> = {
  ENOENT: "The set with the given name does not exist",
  EMSGSIZE: "Kernel error received: message could not be created",
  ERANGE: "The specified range is too large, split it up into smaller ranges",
  IPSET_ERR_PROTOCOL: "Kernel error received: ipset protocol error",
  IPSET_ERR_FIND_TYPE: "Kernel error received: set type not supported",
  IPSET_ERR_MAX_SETS: "Kernel error received: maximal number of sets reached, cannot create more.",
  IPSET_ERR_INVALID_CIDR: "The value of the CIDR parameter of the IP address is invalid",
  IPSET_ERR_INVALID_NETMASK: "The value of the netmask parameter is invalid",
  IPSET_ERR_INVALID_FAMILY: "Protocol family not supported by the set type",
  IPSET_ERR_TIMEOUT: "Timeout cannot be used: set was created without timeout support",
  IPSET_ERR_IPADDR_IPV4: "An IPv4 address is expected, but not received",
  IPSET_ERR_IPADDR_IPV6: "An IPv6 address is expected, but not received",
  IPSET_ERR_COUNTER: "Packet/byte counters cannot be used: set was created without counter support",
  IPSET_ERR_COMMENT: "Comment cannot be used: set was created without comment support",
  IPSET_ERR_INVALID_MARKMASK: "The value of the markmask parameter is invalid",
  IPSET_ERR_SKBINFO: "Skbinfo mapping cannot be used: set was created without skbinfo support",
  IPSET_ERR_BITMASK_NETMASK_EXCL: "netmask and bitmask options are mutually exclusive, provide only one",
};

/** Sentences for numbers whose meaning depends on the command. */
const commandSentences: Partial<Record<Command, Partial<Record<string, string>>>> = {
  CREATE: { EEXIST: "Set cannot be created: set with the same name already exists" },
  DESTROY: { IPSET_ERR_BUSY: "Set cannot be destroyed: it is in use by a kernel component" },
  RENAME: {
    IPSET_ERR_EXIST_SETNAME2: "Set cannot be renamed: a set with the new name already exists",
    IPSET_ERR_REFERENCED: "Set cannot be renamed: it is in use by another system",
  },
  SWAP: {
    IPSET_ERR_EXIST_SETNAME2: "Sets cannot be swapped: the second set does not exist",
    IPSET_ERR_TYPE_MISMATCH: "The sets cannot be swapped: their type does not match",
  },
  ADD: { IPSET_ERR_EXIST: "Element cannot be added to the set: it's already added" },
  DEL: { IPSET_ERR_EXIST: "Element cannot be deleted from the set: it's not added" },
  TYPE: { EEXIST: "Kernel error received: set type does not supported" },
};

export interface KernelError {
  /** Name such as `EEXIST` or `IPSET_ERR_EXIST`. */
  name: string;
  /** Positive error number. */
  number: number;
  sentence: string;
}

/**
 * Returns the name and the sentence of an error number.
 * @param number positive.
 * @param setType a type such as `hash:ip`, if it is known.
 */
export function describeError(
  command: Command | undefined,
  number: number,
  setType: string | undefined,
): KernelError {
  if (number >= TYPE_SPECIFIC) {
    const kind = setType?.split(":", 1)[0] ?? "";
    const known = typeErrors[kind]?.[number - TYPE_SPECIFIC];
    const name = known?.name ?? `IPSET_ERR ${number}`;
    return { name, number, sentence: known?.sentence ?? `Error ${number} of this type of set` };
  }
  const isPrivate = number >= PRIVATE;
  const name = isPrivate ? (genericErrors[number - PRIVATE] ?? `IPSET_ERR ${number}`) : errnoName(number);
  const sentence = (command && commandSentences[command]?.[name]) ?? sentences[name];
  return { name, number, sentence: sentence ?? (isPrivate ? name : errnoSentence(number)) };
}
