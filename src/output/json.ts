// One event as one line of JSON, by the names of the Elastic Common Schema; docs/event.schema.json describes it.
// The trap: names and paths are bytes. What is valid UTF-8 stays; a byte that is not becomes \xNN, and so that
// this can be told apart, a backslash becomes two.
import { AUDIT_UID_UNSET } from "../events/event.ts";
import type { Command } from "../netlink/ipset-message.ts";
import type { UnknownAttribute } from "../netlink/remainder.ts";
import { hex, lossless, word } from "./escape.ts";
import { formatElement, formatOptions, formatValue } from "./ipset-text.ts";
import type { AuditRecord } from "./record.ts";

/** ECS' event.type: what kind of thing was done. */
const eventTypes: Partial<Record<Command, string>> = {
  CREATE: "creation",
  DESTROY: "deletion",
  FLUSH: "change",
  RENAME: "change",
  SWAP: "change",
  ADD: "change",
  DEL: "change",
};
const OTHER_TYPE = "access";

/** @returns the line, without its end. */
export function formatJson(record: AuditRecord): string {
  const { event, message, timeNs, hostname, backend } = record;
  const cgroup = record.findCgroup(event.cgroupId);
  const action = (message.command ?? `command-${message.commandNumber}`).toLowerCase().replaceAll("_", "-");
  return stringify({
    "@timestamp": timestamp(timeNs),
    event: {
      kind: "event",
      category: ["configuration"],
      type: [(message.command && eventTypes[message.command]) ?? OTHER_TYPE],
      action: `ipset-${action}`,
      outcome: record.outcome.succeeded ? "success" : "failure",
    },
    process: processOf(record),
    user: userOf(record),
    group: { id: String(event.gid) },
    host: { hostname },
    container: cgroup?.containerId === undefined ? undefined : { id: cgroup.containerId },
    ipset: ipsetOf(record),
    linux: {
      netns: event.netns,
      session_id: event.sessionId === AUDIT_UID_UNSET ? undefined : event.sessionId,
      cgroup_id: event.cgroupId === 0n ? undefined : event.cgroupId.toString(),
      cgroup_path: cgroup?.path,
    },
    mine: { backend },
  });
}

function processOf({ event }: AuditRecord) {
  const isCut = event.argumentsCaptured < event.argumentsLen;
  return {
    pid: event.pid,
    thread: { id: event.tid },
    parent: { pid: event.ppid },
    name: lossless(event.comm),
    executable: event.executable && lossless(event.executable),
    command_line: event.arguments.length > 0 ? commandLine(event.arguments) : undefined,
    command_line_truncated: isCut || undefined,
  };
}

function userOf({ event, userName }: AuditRecord) {
  const hasLogin = event.loginUid !== AUDIT_UID_UNSET;
  return {
    id: String(event.uid),
    name: userName(event.uid),
    audit: hasLogin ? { id: String(event.loginUid), name: userName(event.loginUid) } : undefined,
  };
}

function ipsetOf({ event, message, outcome, failedElement }: AuditRecord) {
  const elements = message.elements ?? [];
  const unknown = [...(message.unknown ?? []), ...elements.flatMap((element) => element.unknown)];
  const isTruncated = event.capturedLen < event.messageLen;
  return {
    command: message.command?.toLowerCase() ?? String(message.commandNumber),
    set: message.setName && lossless(message.setName),
    new_name: message.secondName && lossless(message.secondName),
    type: message.typeName && lossless(message.typeName),
    family:
      message.family === undefined ? undefined : formatValue({ kind: "family", family: message.family }),
    revision: message.revision,
    index: message.index,
    exist: message.ignoresExisting || undefined,
    flags: message.flags,
    options: message.options?.map((option) => formatOptions([option])),
    elements: message.elements?.map(formatElement),
    element_count: message.elements?.length,
    failed_element: failedElement,
    in_set: message.command === "TEST" && outcome.succeeded ? outcome.sentence === "in set" : undefined,
    truncated: isTruncated ? { captured: event.capturedLen, length: event.messageLen } : undefined,
    malformed: message.malformed,
    message: message.malformed ? event.message.toHex() : undefined,
    unknown_attributes: unknown.length > 0 ? unknown.map(unknownOf) : undefined,
    refused: event.isRefused || undefined,
    error: outcome.error && { ...outcome.error, message: outcome.sentence },
  };
}

const unknownOf = ({ level, number, bytes }: UnknownAttribute) => ({
  level,
  number,
  bytes: hex(bytes, bytes.length),
});

function commandLine(bytes: Uint8Array): string {
  const words: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    const nul = bytes.indexOf(0, start);
    const end = nul < 0 ? bytes.length : nul;
    words.push(word(bytes.subarray(start, end)));
    start = end + 1;
  }
  return words.join(" ");
}

/** RFC 3339 in UTC, with nanoseconds. */
function timestamp(timeNs: bigint): string {
  const second = new Date(Number(timeNs / 1_000_000_000n) * 1000).toISOString().slice(0, -".000Z".length);
  return `${second}.${String(timeNs % 1_000_000_000n).padStart(9, "0")}Z`;
}

/** What JSON allows as it is, but a terminal or a log may take for something else: C1 controls, bidi, line ends. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function stringify(value: object): string {
  return JSON.stringify(value).replaceAll(unsafe, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
