// An ipset request as the kernel received it: struct nlmsghdr, struct nfgenmsg, attributes.
// Source: UAPI linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/ipset/ip_set.h.
import { readAttributes } from "./attributes.ts";

/** enum ipset_cmd: the low byte of nlmsg_type is the index. */
export const commands = [
  "NONE",
  "PROTOCOL",
  "CREATE",
  "DESTROY",
  "FLUSH",
  "RENAME",
  "SWAP",
  "LIST",
  "SAVE",
  "ADD",
  "DEL",
  "TEST",
  "HEADER",
  "TYPE",
  "GET_BYNAME",
  "GET_BYINDEX",
] as const;

export type Command = (typeof commands)[number];

export interface IpsetMessage {
  /** Undefined for a number that no known ipset has. */
  command: Command | undefined;
  commandNumber: number;
  /** Names are bytes, not text: the kernel takes anything but NUL. */
  setName?: Uint8Array;
  /** Where RENAME and SWAP go to. */
  secondName?: Uint8Array;
  typeName?: Uint8Array;
  /** GET_BYINDEX's question. */
  index?: number;
  /** What is wrong with the message, if anything is. */
  malformed?: string;
}

const HEADERS_SIZE = 20; // struct nlmsghdr (16) and struct nfgenmsg (4)

/** enum of IPSET_ATTR_*, at the command's level. */
const ATTRIBUTE = { setName: 2, typeName: 3, secondName: 3, index: 11 } as const;

/** IPSET_MAXNAMELEN, with the NUL. */
const NAME_SIZE = 32;

/**
 * @param bytes the message from its first byte, host byte order in the headers.
 * @param isWhole false when capturing cut the message: its end is then missing, not malformed.
 */
export function readIpsetMessage(bytes: Uint8Array, isWhole: boolean): IpsetMessage {
  if (bytes.length < HEADERS_SIZE) {
    return { command: undefined, commandNumber: 0, malformed: `only ${bytes.length} bytes long` };
  }
  const commandNumber = bytes[4] ?? 0; // low byte of nlmsg_type
  const command = commands[commandNumber];
  const message: IpsetMessage = { command, commandNumber };
  const { attributes, malformed } = readAttributes(bytes.subarray(HEADERS_SIZE));
  if (malformed && isWhole) message.malformed = malformed;

  for (const { type, payload } of attributes) {
    switch (type) {
      case ATTRIBUTE.setName:
        message.setName = readName(payload, message);
        break;
      case ATTRIBUTE.secondName: // and typeName: the number is the same, the command tells which
        if (command === "RENAME" || command === "SWAP") message.secondName = readName(payload, message);
        else message.typeName = readName(payload, message);
        break;
      case ATTRIBUTE.index:
        message.index = readIndex(payload, message);
        break;
    }
  }
  return message;
}

/** A string attribute, up to its NUL, which the kernel does not insist on (NLA_NUL_STRING or NLA_STRING). */
function readName(payload: Uint8Array, message: IpsetMessage): Uint8Array {
  const end = payload.indexOf(0);
  const name = end < 0 ? payload : payload.subarray(0, end);
  if (name.length >= NAME_SIZE) message.malformed ??= `a name of ${name.length} bytes`;
  return name;
}

/** A 16-bit set index, network byte order. */
function readIndex(payload: Uint8Array, message: IpsetMessage): number {
  if (payload.length !== 2) message.malformed ??= `an index of ${payload.length} bytes`;
  return ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
}
