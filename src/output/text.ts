// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes one event as one line of text:
//   (2021/03/19_01:01) ipset (pid: 17436) (username: root - uid: 0) - CREATE test (type: hash:ip) - SUCCESS
import { accountableUid, type MineEvent } from "../events/event.ts";
import type { Element } from "../ipset/element.ts";
import type { IpsetMessage } from "../ipset/message.ts";
import { sentenceOf } from "../ipset/outcome.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { writeHex, writeName } from "./escape.ts";
import { writeElement } from "./ipset-text.ts";
import type { AuditRecord, RunContext } from "./record.ts";

const SHOWN_MALFORMED_BYTES = 64;
/** Max elements in a line of text; the JSON output has them all. */
const SHOWN_ELEMENTS = 2;

const encoder = new TextEncoder();

/** Writes the line, without a newline. */
export function writeText(out: ByteWriter, record: AuditRecord, context: RunContext): void {
  out.ascii("(");
  context.writeTime(out, record.timeNs, record.event.tsNs);
  out.ascii(") ");
  writeTextWithoutTime(out, record, context, context.ancestry);
}

/** Writes the line from the caller on. @param ancestry with the processes that started the caller. */
export function writeTextWithoutTime(
  out: ByteWriter,
  record: AuditRecord,
  context: RunContext,
  ancestry: boolean,
): void {
  const { event, message } = record;
  writeCaller(out, event, context);
  if (ancestry) writeAncestry(out, event);
  out.ascii(" - ");
  out.ascii(message.command ?? `COMMAND ${message.commandNumber}`);
  const isWhole = event.capturedLen === event.messageLen;
  writeSubject(out, message, isWhole);
  writeElements(out, message);
  if (message.ignoresExisting) out.ascii(" -exist");
  if (!isWhole) {
    out.ascii(` <truncated: ${event.capturedLen} of ${event.messageLen} bytes>`);
  }
  if (message.malformed) {
    out.ascii(` <malformed: ${message.malformed}: `);
    writeHex(out, event.message, SHOWN_MALFORMED_BYTES);
    out.ascii(">");
  }
  out.ascii(" - ");
  writeResult(out, record);
}

function writeCaller(out: ByteWriter, event: MineEvent, { userName, ownNetns }: RunContext): void {
  const { uid: realUid, gid, effectiveUid, effectiveGid } = event;
  const uid = accountableUid(event);
  const name = userName(uid);
  if (event.isByReader) out.ascii("<unknown>");
  else writeName(out, event.comm);
  out.ascii(" (pid: ");
  out.decimal(event.pid);
  out.ascii(") (username: ");
  if (name === undefined) out.ascii("<unknown>");
  else writeName(out, encoder.encode(name));
  out.ascii(" - uid: ");
  out.decimal(uid);
  if (effectiveUid !== realUid) {
    out.ascii(" - effective uid: ");
    out.decimal(effectiveUid);
  }
  if (effectiveGid !== gid) {
    out.ascii(" - effective gid: ");
    out.decimal(effectiveGid);
  }
  out.ascii(")");
  if (ownNetns !== undefined && event.netns !== ownNetns) {
    out.ascii(" (netns: ");
    out.decimal(event.netns);
    out.ascii(")");
  }
}

/** Writes ` by sh[78] < fail2ban-server[77] < systemd[1]`. */
function writeAncestry(out: ByteWriter, { ancestors }: MineEvent): void {
  for (const [index, { pid, comm }] of ancestors.entries()) {
    out.ascii(index === 0 ? " by " : " < ");
    if (comm.length === 0) out.ascii("<unknown>");
    else writeName(out, comm);
    out.ascii("[");
    out.decimal(pid);
    out.ascii("]");
  }
}

/** Writes the set. A truncated message may have lost a name, so the line does not report it as missing. */
function writeSubject(out: ByteWriter, message: IpsetMessage, isWhole: boolean): void {
  const name = (before: string, bytes: Uint8Array | undefined, missing: string): void => {
    out.ascii(before);
    if (bytes) writeName(out, bytes);
    else out.ascii(isWhole ? `<${missing}>` : "<cut off>");
  };
  switch (message.command) {
    case "PROTOCOL":
      break;
    case "TYPE":
      name(" ", message.typeName, "no type");
      break;
    case "GET_BYINDEX":
      if (message.index === undefined) name(" ", undefined, "no index");
      else out.ascii(` ${message.index}`);
      break;
    case "CREATE":
      name(" ", message.setName, "no set");
      name(" (type: ", message.typeName, "no type");
      out.ascii(")");
      break;
    case "RENAME":
      name(" ", message.setName, "no set");
      name(" -> ", message.secondName, "no set");
      break;
    case "SWAP":
      name(" ", message.setName, "no set");
      name(" <-> ", message.secondName, "no set");
      break;
    case "DESTROY":
    case "FLUSH":
    case "LIST":
    case "SAVE":
      name(" ", message.setName, "all sets");
      break;
    default:
      name(" ", message.setName, "no set");
  }
}

/** Writes ` 10.0.0.1, 10.0.0.2 (+164 more)`. */
function writeElements(out: ByteWriter, { elements }: IpsetMessage): void {
  if (!elements) return;
  for (let index = 0; index < Math.min(elements.length, SHOWN_ELEMENTS); index++) {
    out.ascii(index === 0 ? " " : ", ");
    writeElement(out, elements.at(index) as Element);
  }
  const more = elements.length - SHOWN_ELEMENTS;
  if (more > 0) out.ascii(` (+${more} more)`);
}

const words = { success: "SUCCESS", failure: "ERROR", unknown: "UNKNOWN" } as const;

function writeResult(out: ByteWriter, record: AuditRecord): void {
  const { message, outcome, failedElement } = record;
  const sentence = sentenceOf(outcome);
  out.ascii(words[outcome.status]);
  if (sentence === undefined) return;
  out.ascii(" (");
  const failed = failedElement === undefined ? undefined : message.elements?.at(failedElement);
  // A single element is already in the line.
  if (failed && message.elements?.length !== 1) {
    writeElement(out, failed);
    out.ascii(": ");
  }
  out.ascii(sentence);
  if (outcome.status === "failure") writeApplied(out, record);
  out.ascii(")");
}

/** Writes how many elements of a failed batch took effect, as far as it is known. */
function writeApplied(out: ByteWriter, { message, failedElement, appliedCount }: AuditRecord): void {
  const { command, elements } = message;
  if ((command !== "ADD" && command !== "DEL") || !elements) return;
  if (appliedCount === undefined) out.ascii("; elements before the failed one may have taken effect");
  else if (failedElement !== undefined && elements.length > 1) {
    out.ascii(`; ${appliedCount} ${appliedCount === 1 ? "element" : "elements"} took effect`);
  }
}
