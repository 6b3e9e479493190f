// What a command was about, as JSON. The trap: a few bytes of a message can need many characters, and a stranger may
// send as many of them as there is room for. So what was decoded is written only as long as it is not much longer
// than the message; else the bytes of the message stand for it.
import type { UnknownAttribute } from "../ipset/remainder.ts";
import { writeLossless } from "./escape.ts";
import { writeElement, writeOption, writeValue } from "./ipset-text.ts";
import type { JsonWriter } from "./json-writer.ts";
import type { AuditRecord } from "./record.ts";

/** How often as long as the message the decoded part may be; the bytes of a malformed one stand beside it. */
const MOST_GROWTH = 3;
const MOST_GROWTH_MALFORMED = 1;
/** Short messages may be longer than that: names and one element with all its options. */
const MOST_SHORT = 2048;
/** IPSET_MAXNAMELEN: what is longer is no name to the kernel. */
const NAME_MAX = 32;

export function writeIpset(json: JsonWriter, record: AuditRecord): void {
  const { event, message, outcome } = record;
  const { malformed } = message;
  json.open("{", "ipset");
  json.text("command", message.command?.toLowerCase() ?? String(message.commandNumber));
  const growth = malformed ? MOST_GROWTH_MALFORMED : MOST_GROWTH;
  const most = event.message.length * growth + MOST_SHORT;
  const isWritten = json.within(most, (isFull) => writeDecoded(json, record, isFull));
  if (!isWritten) {
    writeNames(json, record, NAME_MAX);
    json.boolean("abridged", true);
  }
  json.number("element_count", message.elements?.length);
  json.number("failed_element", record.failedElement);
  json.number("applied_count", record.appliedCount);
  if (message.command === "TEST" && outcome.succeeded) json.boolean("in_set", outcome.sentence === "in set");
  if (event.capturedLen < event.messageLen) {
    json.open("{", "truncated");
    json.number("captured", event.capturedLen);
    json.number("length", event.messageLen);
    json.close("}");
  }
  json.text("malformed", malformed);
  if (malformed || !isWritten) json.hex("message", event.message);
  if (event.isRefused) json.boolean("refused", true);
  if (outcome.error) {
    json.open("{", "error");
    json.text("name", outcome.error.name);
    json.number("number", outcome.error.number);
    json.text("message", outcome.sentence);
    json.close("}");
  }
  json.close("}");
}

/** @param isFull whether so much was written that the rest is in vain. */
function writeDecoded(json: JsonWriter, record: AuditRecord, isFull: () => boolean): void {
  const { options, elements, unknown = [] } = record.message;
  writeNames(json, record, Number.POSITIVE_INFINITY);
  if (options) {
    json.open("[", "options");
    for (const option of options) json.string(undefined, (out) => writeOption(out, option));
    json.close("]");
  }
  const strange: UnknownAttribute[] = [...unknown];
  if (elements) {
    json.open("[", "elements");
    for (const element of elements) {
      if (isFull()) break;
      json.string(undefined, (out) => writeElement(out, element));
      strange.push(...element.unknown);
    }
    json.close("]");
  }
  if (strange.length === 0) return;
  json.open("[", "unknown_attributes");
  for (const attribute of strange) {
    if (isFull()) break;
    writeAttribute(json, attribute);
  }
  json.close("]");
}

/** What is known without data. @param most how long a name may be to be written. */
function writeNames(json: JsonWriter, { message }: AuditRecord, most: number): void {
  const { family } = message;
  writeName(json, "set", message.setName, most);
  writeName(json, "new_name", message.secondName, most);
  writeName(json, "type", message.typeName, most);
  if (family !== undefined) json.string("family", (out) => writeValue(out, { kind: "family", family }));
  json.number("revision", message.revision);
  json.number("index", message.index);
  if (message.ignoresExisting) json.boolean("exist", true);
  json.number("flags", message.flags);
}

function writeName(json: JsonWriter, key: string, name: Uint8Array | undefined, most: number): void {
  if (name && name.length < most) json.string(key, (out) => writeLossless(out, name));
}

function writeAttribute(json: JsonWriter, { level, number, bytes }: UnknownAttribute): void {
  json.open("{");
  json.text("level", level);
  json.number("number", number);
  json.hex("bytes", bytes);
  json.close("}");
}
