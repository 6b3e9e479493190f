// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes one event as a datagram to systemd's journal (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). Names of sets and
// processes are bytes that other programs choose. They have the form with a length, so they cannot make a field.
import { AUDIT_UID_UNSET, accountableUid } from "../events/event.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { AuditRecord, RunContext } from "./record.ts";
import type { RunRecord } from "./run-record.ts";
import { writeRunText } from "./run-text.ts";
import { runSeverityOf, severityOf } from "./severity.ts";
import { writeTextWithoutTime } from "./text.ts";
import { writeUtcNanoseconds } from "./time.ts";

/** The same for every command, and for no other message. */
const MESSAGE_ID = "5d0a3c6ee2f14c0b9c2f6d7b8f1a4e93";
/** The same for every record about a run, and for no other message. */
const RUN_MESSAGE_ID = "c3a1f0a58a6d4f5e8a0c1b7e4f2d9061";
const SYSLOG_IDENTIFIER = "mine";

const encoder = new TextEncoder();

/** Writes the fields. */
export function writeJournal(out: ByteWriter, record: AuditRecord, context: RunContext): void {
  const { event, message, outcome } = record;
  const { container, units, names } = context.findCgroup(event) ?? {};
  out.ascii("MESSAGE=");
  writeTextWithoutTime(out, record, context, true);
  out.ascii(`\nPRIORITY=${severityOf(record)}\nMESSAGE_ID=${MESSAGE_ID}\n`);
  writeSender(out, record.timeNs);
  out.ascii(`IPSET_COMMAND=${message.command ?? message.commandNumber}\nIPSET_OUTCOME=${outcome.status}\n`);
  if (outcome.status === "failure") writeBytes(out, "IPSET_ERROR", encoder.encode(outcome.sentence));
  if (message.setName) writeBytes(out, "IPSET_SET", message.setName);
  if (message.secondName) writeBytes(out, "IPSET_SECOND_SET", message.secondName);
  out.ascii(
    `OBJECT_PID=${event.pid}\nIPSET_UID=${event.uid}\nIPSET_ACCOUNTABLE_UID=${accountableUid(event)}\n`,
  );
  if (event.loginUid !== AUDIT_UID_UNSET) out.ascii(`IPSET_LOGIN_UID=${event.loginUid}\n`);
  if (!event.isByReader) writeBytes(out, "IPSET_COMM", event.comm);
  const [parent] = event.ancestors;
  if (parent && parent.comm.length > 0) writeBytes(out, "IPSET_PARENT_COMM", parent.comm);
  if (units) writeBytes(out, "IPSET_SYSTEMD_UNIT", encoder.encode(units.unit));
  if (container) writeBytes(out, "IPSET_CONTAINER_ID", encoder.encode(container.id));
  if (names?.name !== undefined) writeBytes(out, "IPSET_CONTAINER_NAME", encoder.encode(names.name));
}

/** Writes the fields of a record about the run. */
export function writeRunJournal(out: ByteWriter, record: RunRecord, context: RunContext): void {
  out.ascii("MESSAGE=");
  writeRunText(out, record, context);
  out.ascii(`\nPRIORITY=${runSeverityOf(record)}\nMESSAGE_ID=${RUN_MESSAGE_ID}\n`);
  writeSender(out, record.timeNs);
  out.ascii(`MINE_ACTION=${record.action}\n`);
  if (record.action === "set" && record.set.message.setName) {
    writeBytes(out, "IPSET_SET", record.set.message.setName);
  }
  if ("counts" in record) out.ascii(`MINE_SEEN=${record.counts.seen}\nMINE_LOST=${record.counts.lost}\n`);
}

function writeSender(out: ByteWriter, timeNs: bigint): void {
  out.ascii(`SYSLOG_IDENTIFIER=${SYSLOG_IDENTIFIER}\nIPSET_TIME=`);
  writeUtcNanoseconds(out, timeNs);
  out.ascii("\n");
}

/** Writes a field of any bytes: its name, a newline, the length as a little-endian u64, the bytes, a newline. */
function writeBytes(out: ByteWriter, name: string, bytes: Uint8Array): void {
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(bytes.length), true);
  out.ascii(`${name}\n`);
  out.copy(length);
  out.copy(bytes);
  out.ascii("\n");
}
