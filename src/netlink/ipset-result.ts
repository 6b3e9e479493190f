// What the kernel answered, in words. A handler returns 0, -errno or -IPSET_ERR_*; the sentences are those
// that ipset(8) prints, so that a line here can be found in its manual and in people's bug reports.
import { errnoName, errnoSentence } from "../errno.ts";
import type { Command } from "./ipset-message.ts";

export interface Outcome {
  succeeded: boolean;
  /** Why not, or what a test found; absent for a plain success. */
  sentence?: string;
}

const EINTR = 4;

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
/** From here on the number's meaning depends on the type of the set. */
const TYPE_SPECIFIC = 4352;

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

/** Where the same number means another thing to another command. */
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

/** @param result what the handler returned: 0 or negative. */
export function readOutcome(command: Command | undefined, result: number): Outcome {
  const name = resultName(-result);
  switch (command) {
    case "LIST":
    case "SAVE":
      // netlink_dump_start() answers so when the dump is under way: the normal good end.
      if (result === -EINTR) return { succeeded: true };
      break;
    case "TEST":
      if (result === 0) return { succeeded: true, sentence: "in set" };
      if (name === "IPSET_ERR_EXIST") return { succeeded: true, sentence: "not in set" };
      break;
    case "ADD":
    case "DEL":
      // call_ad() has already sent the error and the number of the line at fault, and returns this so that
      // netlink does not send another.
      if (result === -EINTR) {
        return { succeeded: false, sentence: "A line of the batch failed; the lines before it took effect" };
      }
      break;
  }
  if (result === 0) return { succeeded: true };
  return {
    succeeded: false,
    sentence: (command && commandSentences[command]?.[name]) ?? sentences[name] ?? fallback(-result, name),
  };
}

function fallback(code: number, name: string): string {
  if (code >= TYPE_SPECIFIC) return `Error ${code} of this type of set`;
  return code >= PRIVATE ? name : errnoSentence(code);
}

function resultName(code: number): string {
  return code >= PRIVATE ? (genericErrors[code - PRIVATE] ?? `IPSET_ERR ${code}`) : errnoName(code);
}
