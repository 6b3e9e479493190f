// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes the decoded message as JSON. A few bytes of a message can decode to many characters, and untrusted senders
// can fill a message with such bytes. So the decoded part has a limit relative to the message. Beyond the limit the
// bytes of the message replace it.
import type { IpsetMessage } from "../ipset/message.ts";
import type { UnknownAttribute } from "../ipset/remainder.ts";
import { writeLossless } from "./escape.ts";
import { writeElement, writeOption, writeValue } from "./ipset-text.ts";
import type { JsonWriter } from "./json-writer.ts";
import type { AuditRecord } from "./record.ts";

/** Max size of the decoded part, as a multiple of the message. A malformed message adds its bytes in hexadecimal. */
const MAX_GROWTH = 3;
const MAX_GROWTH_MALFORMED = 1;
/** Bytes on top of that, for short messages: names and one element with all its options. */
const SHORT_ALLOWANCE = 2048;
/** IPSET_MAXNAMELEN: the kernel refuses longer names. */
const NAME_MAX = 32;

export function writeIpset(json: JsonWriter, record: AuditRecord): void {
  const { event, message, outcome } = record;
  const { malformed } = message;
  json.open("{", "ipset");
  json.text("command", message.command?.toLowerCase() ?? String(message.commandNumber));
  const growth = malformed ? MAX_GROWTH_MALFORMED : MAX_GROWTH;
  const maxBytes = event.message.length * growth + SHORT_ALLOWANCE;
  const isWritten = json.within(maxBytes, (isFull) => writeDecoded(json, message, isFull));
  if (!isWritten) {
    writeNames(json, message, NAME_MAX);
    json.boolean("abridged", true);
  }
  json.number("element_count", message.elements?.length);
  json.number("failed_element", record.failedElement);
  json.number("applied_count", record.appliedCount);
  if (outcome.status === "success" && outcome.inSet !== undefined) json.boolean("in_set", outcome.inSet);
  if (event.capturedLen < event.messageLen) {
    json.open("{", "truncated");
    json.number("captured", event.capturedLen);
    json.number("length", event.messageLen);
    json.close("}");
  }
  json.text("malformed", malformed);
  if (malformed || !isWritten) json.hex("message", event.message);
  if (event.isRefused) json.boolean("refused", true);
  if (outcome.status === "failure") {
    json.open("{", "error");
    json.text("name", outcome.error.name);
    json.number("number", outcome.error.number);
    json.text("message", outcome.sentence);
    json.close("}");
  }
  json.close("}");
}

/** Writes names, options, elements and unknown attributes. @param isFull returns true when the limit is exceeded. */
export function writeDecoded(json: JsonWriter, message: IpsetMessage, isFull: () => boolean): void {
  const { options, elements, unknown = [] } = message;
  writeNames(json, message, Number.POSITIVE_INFINITY);
  if (options) {
    json.open("[", "options");
    for (const option of options) json.string(undefined, (out) => writeOption(out, option));
    json.close("]");
  }
  const unknownAttributes: UnknownAttribute[] = [...unknown];
  if (elements) {
    json.open("[", "elements");
    for (const element of elements) {
      if (isFull()) break;
      json.string(undefined, (out) => writeElement(out, element));
      unknownAttributes.push(...element.unknown);
    }
    json.close("]");
  }
  if (unknownAttributes.length === 0) return;
  json.open("[", "unknown_attributes");
  for (const attribute of unknownAttributes) {
    if (isFull()) break;
    writeAttribute(json, attribute);
  }
  json.close("]");
}

/** Writes the parts outside of the data. @param maxBytes limit of a name with its NUL. */
function writeNames(json: JsonWriter, message: IpsetMessage, maxBytes: number): void {
  const { family } = message;
  writeName(json, "set", message.setName, maxBytes);
  writeName(json, "new_name", message.secondName, maxBytes);
  writeName(json, "type", message.typeName, maxBytes);
  if (family !== undefined) json.string("family", (out) => writeValue(out, { kind: "family", family }));
  json.number("revision", message.revision);
  json.number("index", message.index);
  if (message.ignoresExisting) json.boolean("exist", true);
  json.number("flags", message.flags);
}

function writeName(json: JsonWriter, key: string, name: Uint8Array | undefined, maxBytes: number): void {
  if (name && name.length < maxBytes) json.string(key, (out) => writeLossless(out, name));
}

function writeAttribute(json: JsonWriter, { level, number, bytes }: UnknownAttribute): void {
  json.open("{");
  json.text("level", level);
  json.number("number", number);
  json.hex("bytes", bytes);
  json.close("}");
}
