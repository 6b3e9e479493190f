// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads an ipset request as the kernel received it: struct nlmsghdr, struct nfgenmsg, attributes.
// Source: UAPI linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/ipset/ip_set.h.

import { commandAttributes as kinds } from "./attribute-kinds.ts";
import { type Attribute, readAttributes, u16 } from "./attributes.ts";
import { readCreateOptions } from "./create-options.ts";
import { readLineNumber } from "./element.ts";
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

/** Queries that ipset(8) sends before its work. They change nothing. */
export const handshakeCommands: ReadonlySet<Command> = new Set([
  "PROTOCOL",
  "HEADER",
  "TYPE",
  "GET_BYNAME",
  "GET_BYINDEX",
]);

export interface IpsetMessage {
  /** Command name; undefined for an unknown number. */
  command: Command | undefined;
  commandNumber: number;
  /** Absent if the message is shorter than its headers. */
  header?: MessageHeader;
  protocol?: number | undefined;
  protocolMin?: number | undefined;
  /** Set name as bytes, not text: the kernel accepts every byte but NUL. */
  setName?: Uint8Array | undefined;
  /** New name of RENAME, second set of SWAP. */
  secondName?: Uint8Array | undefined;
  typeName?: Uint8Array | undefined;
  revision?: number | undefined;
  family?: number | undefined;
  /** Bits of enum ipset_cmd_flags: the parts that LIST and SAVE omit. */
  flags?: number | undefined;
  /** First line of a batch in the input of `ipset restore`. */
  lineNumber?: number | undefined;
  /** Set index that GET_BYINDEX asks for. */
  index?: number | undefined;
  /** CREATE, ADD or DEL with -exist: an object that already exists, or is already deleted, is no error. */
  ignoresExisting?: boolean | undefined;
  /** Options of CREATE that the message carries. The kernel chooses the rest. */
  options?: Option[] | undefined;
  /** Elements of ADD, DEL and TEST. A truncated message has its whole elements only. */
  elements?: Elements | undefined;
  /** Unknown attributes, if there are any. Each element has its own list. */
  unknown?: UnknownAttribute[] | undefined;
  /** The first fault of the message, if there is one. */
  malformed?: string | undefined;
  /** The capture ended before the last attribute of the command. A missing one may replace one of the same number. */
  mayHaveMore?: true;
}

/** Fields of struct nlmsghdr. */
export interface MessageHeader {
  length: number;
  flags: number;
  sequence: number;
}

export const HEADERS_SIZE = 20; // struct nlmsghdr (16) and struct nfgenmsg (4)
/** Max bytes of padding after an attribute. */
const MAX_PADDING = 3;
const NLM_F_EXCL = 0x200;

/**
 * Reads a message. Never throws: faults are in `malformed`.
 * @param bytes the message from its first byte; its headers are in host byte order.
 * @param isWhole false for a truncated capture: its end is missing, not malformed.
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
 * Reads only the command and the names of a message that the kernel refused unread. Every user can send such
 * messages, so they get no more CPU time.
 */
export function readRefusedMessage(bytes: Uint8Array, isWhole: boolean): IpsetMessage {
  if (bytes.length < HEADERS_SIZE) return tooShort(bytes);
  const { message, remainder } = readNames(bytes, isWhole);
  message.malformed = remainder.malformed;
  return message;
}

/** Returns the line of the failed element, in the beginning of a message that the kernel sends back. */
export const readBatchLine = (bytes: Uint8Array): number | undefined =>
  readLineNumber(bytes, HEADERS_SIZE, bytes.length);

function tooShort({ length }: Uint8Array): IpsetMessage {
  return { command: undefined, commandNumber: 0, malformed: `only ${length} bytes long` };
}

interface Begun {
  message: IpsetMessage;
  /** Attributes that are not read yet. */
  fields: Fields;
  remainder: Remainder;
  /** The attribute in which a capture ended. */
  overrun: Attribute | undefined;
}

/** Reads the headers and the names. @param bytes at least the headers. */
function readNames(bytes: Uint8Array, isWhole: boolean): Begun {
  const commandNumber = bytes[4] ?? 0; // low byte of nlmsg_type
  const command = commands[commandNumber];
  const header = readHeader(bytes);
  const remainder = new Remainder();
  const { attributes, malformed, overrun, missing = 0 } = readAttributes(bytes, HEADERS_SIZE);
  if (isWhole) remainder.complain(malformed);
  const fields = new Fields("command", attributes, remainder);

  const message: IpsetMessage = { command, commandNumber, header };
  if (!isWhole && header.length > bytes.length + missing + MAX_PADDING) message.mayHaveMore = true;
  message.setName = fields.take(kinds.setName);
  // secondName and typeName have the same number.
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
