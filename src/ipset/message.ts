// An ipset request as the kernel received it: struct nlmsghdr, struct nfgenmsg, attributes.
// Source: UAPI linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/ipset/ip_set.h.

import { commandAttributes as kinds } from "./attribute-kinds.ts";
import { type Attribute, readAttributes, u16 } from "./attributes.ts";
import { readCreateOptions } from "./create-options.ts";
import { type Elements, readElements } from "./elements.ts";
import { Fields } from "./fields.ts";
import { Remainder, type UnknownAttribute } from "./remainder.ts";
import type { Option } from "./values.ts";

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

/** What ipset(8) asks before it does its work; they change nothing and say little. */
export const handshakeCommands: ReadonlySet<Command> = new Set([
  "PROTOCOL",
  "HEADER",
  "TYPE",
  "GET_BYNAME",
  "GET_BYINDEX",
]);

export interface IpsetMessage {
  /** Undefined for a number that no known ipset has. */
  command: Command | undefined;
  commandNumber: number;
  /** Absent when there are too few bytes for it. */
  header?: MessageHeader;
  protocol?: number | undefined;
  protocolMin?: number | undefined;
  /** Names are bytes, not text: the kernel takes anything but NUL. */
  setName?: Uint8Array | undefined;
  /** Where RENAME and SWAP go to. */
  secondName?: Uint8Array | undefined;
  typeName?: Uint8Array | undefined;
  revision?: number | undefined;
  family?: number | undefined;
  /** enum ipset_cmd_flags: what LIST and SAVE are to leave out. */
  flags?: number | undefined;
  /** Of the input of `ipset restore`, where a batch begins. */
  lineNumber?: number | undefined;
  /** GET_BYINDEX's question. */
  index?: number | undefined;
  /** CREATE, ADD and DEL with -exist: what is already there, or already gone, is no error. */
  ignoresExisting?: boolean | undefined;
  /** Of CREATE: what the message carries; the kernel chooses the rest. */
  options?: Option[] | undefined;
  /** Of ADD, DEL and TEST; of a message that was cut those that are whole. */
  elements?: Elements | undefined;
  /** Attributes that are not understood, if there are any; an element has its own. */
  unknown?: UnknownAttribute[] | undefined;
  /** What is wrong with the message, if anything is. */
  malformed?: string | undefined;
  /** The capture ended before the last attribute of the command; of two with one number, the last counts. */
  mayHaveMore?: true;
}

/** Fields of struct nlmsghdr. */
export interface MessageHeader {
  length: number;
  flags: number;
  sequence: number;
}

const HEADERS_SIZE = 20; // struct nlmsghdr (16) and struct nfgenmsg (4)
/** The most bytes that follow an attribute and belong to none. */
const PADDING = 3;
const NLM_F_EXCL = 0x200;

/**
 * @param bytes the message from its first byte, host byte order in the headers.
 * @param isWhole false when capturing cut the message: its end is then missing, not malformed.
 */
export function readIpsetMessage(bytes: Uint8Array, isWhole: boolean): IpsetMessage {
  if (bytes.length < HEADERS_SIZE) return tooShort(bytes);
  const { message, fields, remainder, overrun } = readNames(bytes, isWhole);
  const { command } = message;
  message.protocol = fields.take(kinds.protocol);
  message.protocolMin = fields.take(kinds.protocolMin);
  message.revision = fields.take(kinds.revision);
  message.family = fields.take(kinds.family);
  message.flags = fields.take(kinds.flags);
  message.lineNumber = fields.take(kinds.lineNumber);
  message.index = fields.take(kinds.index);
  if (command === "CREATE") {
    message.options = readCreateOptions(message, fields.take(kinds.data), remainder);
  } else if (command === "ADD" || command === "DEL" || command === "TEST") {
    message.elements = readElements(bytes, fields, overrun, remainder);
  }
  fields.keepRest();
  if (remainder.unknown.length > 0) message.unknown = remainder.unknown;
  message.malformed = remainder.malformed;
  return message;
}

/**
 * Of a message that the kernel refused unread: the command and the names. Anybody can send these, so they get no
 * more time than that.
 */
export function readRefusedMessage(bytes: Uint8Array, isWhole: boolean): IpsetMessage {
  if (bytes.length < HEADERS_SIZE) return tooShort(bytes);
  const { message, remainder } = readNames(bytes, isWhole);
  message.malformed = remainder.malformed;
  return message;
}

function tooShort({ length }: Uint8Array): IpsetMessage {
  return { command: undefined, commandNumber: 0, malformed: `only ${length} bytes long` };
}

interface Begun {
  message: IpsetMessage;
  /** What is left to read. */
  fields: Fields;
  remainder: Remainder;
  /** The attribute in which a capture ended. */
  overrun: Attribute | undefined;
}

/** @param bytes at least the headers. */
function readNames(bytes: Uint8Array, isWhole: boolean): Begun {
  const commandNumber = bytes[4] ?? 0; // low byte of nlmsg_type
  const command = commands[commandNumber];
  const header = readHeader(bytes);
  const remainder = new Remainder();
  const { attributes, malformed, overrun, missing = 0 } = readAttributes(bytes, HEADERS_SIZE);
  if (isWhole) remainder.complain(malformed);
  const fields = new Fields("command", attributes, remainder);

  const message: IpsetMessage = { command, commandNumber, header };
  if (!isWhole && header.length > bytes.length + missing + PADDING) message.mayHaveMore = true;
  message.setName = fields.take(kinds.setName);
  // One number, two meanings.
  if (command === "RENAME" || command === "SWAP") message.secondName = fields.take(kinds.secondName);
  else message.typeName = fields.take(kinds.typeName);
  if (command === "CREATE" || command === "ADD" || command === "DEL") {
    message.ignoresExisting = (header.flags & NLM_F_EXCL) === 0;
  }
  return { message, fields, remainder, overrun: isWhole ? undefined : overrun };
}

const readHeader = (bytes: Uint8Array): MessageHeader => ({
  length: u16(bytes, 0) + u16(bytes, 2) * 0x10000,
  flags: u16(bytes, 6),
  sequence: u16(bytes, 8) + u16(bytes, 10) * 0x10000,
});
