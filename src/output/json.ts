// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes one event as one line of JSON, with names of the Elastic Common Schema (docs/event.schema.json).
// Names and paths are bytes. Valid UTF-8 stays unchanged, and an invalid byte becomes \xNN. A backslash is doubled,
// so that readers can recover the bytes.
import { type Ancestor, AUDIT_UID_UNSET } from "../events/event.ts";
import type { Command } from "../ipset/message.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { writeLossless, writeWord } from "./escape.ts";
import { writeIpset } from "./json-ipset.ts";
import { JsonWriter } from "./json-writer.ts";
import type { AuditRecord, CgroupFacts, ProcessFacts, RunContext } from "./record.ts";
import { Repeated } from "./repeated.ts";
import { writeUtcNanoseconds } from "./time.ts";

const encoder = new TextEncoder();

type Cgroup = ReturnType<RunContext["findCgroup"]>;

/** event.type of ECS: the kind of change. */
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

/** Cached parts: consecutive events of one program share them. */
const action = new Repeated();
const program = new Repeated();
const parents = new Repeated();
const user = new Repeated();
const place = new Repeated();

/** Writes the line, without a newline. */
export function writeJson(out: ByteWriter, record: AuditRecord, context: RunContext): void {
  const cgroup = context.findCgroup(record.event);
  const json = new JsonWriter(out);
  json.open("{");
  json.string("@timestamp", (out) => writeUtcNanoseconds(out, record.timeNs));
  writeEvent(json, record);
  writeProcess(json, record, context);
  writeUser(json, record, context, cgroup);
  writeIpset(json, record);
  writePlace(json, record, context, cgroup);
  json.close("}");
}

function writeEvent(json: JsonWriter, { message, outcome }: AuditRecord): void {
  const { command, commandNumber } = message;
  json.repeated(action, [commandNumber, outcome.status], () => {
    const name = (command ?? `command-${commandNumber}`).toLowerCase().replaceAll("_", "-");
    json.open("{", "event");
    json.text("kind", "event");
    json.open("[", "category");
    json.text(undefined, "configuration");
    json.close("]");
    json.open("[", "type");
    json.text(undefined, (command && eventTypes[command]) ?? OTHER_TYPE);
    json.close("]");
    json.text("action", `ipset-${name}`);
    json.text("outcome", outcome.status);
    json.close("}");
  });
}

function writeProcess(json: JsonWriter, { event }: AuditRecord, context: RunContext): void {
  const { comm, flags, argumentsCaptured, argumentsLen, executableLen } = event;
  json.open("{", "process");
  json.number("pid", event.pid);
  if (event.isByReader) {
    json.close("}");
    return;
  }
  json.open("{", "thread");
  json.number("id", event.tid);
  json.close("}");
  const facts = context.findProcess(event.pid, event.startNs);
  if (facts) writeEntity(json, facts);
  json.repeated(parents, [event.ppid, event.ancestry], () => {
    const { ppid, ancestors } = event;
    const parent = { pid: ppid, startNs: 0n, comm: new Uint8Array() };
    writeParents(json, ancestors.length > 0 ? ancestors : [parent], context);
  });
  const key = [comm, event.program, argumentsCaptured, argumentsLen, executableLen, flags];
  json.repeated(program, key, () => {
    json.string("name", (out) => writeLossless(out, comm));
    const { executable } = event;
    if (executable) json.string("executable", (out) => writeLossless(out, executable));
    if (argumentsCaptured > 0) json.string("command_line", (out) => writeCommandLine(out, event.arguments));
    if (argumentsCaptured < argumentsLen) json.boolean("command_line_truncated", true);
  });
  json.close("}");
}

/** Writes what tells a process from every other one. */
function writeEntity(json: JsonWriter, { entityId, startTimeNs }: ProcessFacts): void {
  json.text("entity_id", entityId);
  json.string("start", (out) => writeUtcNanoseconds(out, startTimeNs));
}

/** Writes the ancestors, each in the one before it. */
function writeParents(json: JsonWriter, ancestors: readonly Ancestor[], context: RunContext): void {
  for (const { pid, startNs, comm } of ancestors) {
    json.open("{", "parent");
    json.number("pid", pid);
    const facts = context.findProcess(pid, startNs);
    if (facts) writeEntity(json, facts);
    if (comm.length > 0) json.string("name", (out) => writeLossless(out, comm));
  }
  for (const _ of ancestors) json.close("}");
}

function writeUser(
  json: JsonWriter,
  { event }: AuditRecord,
  { hostname, userName }: RunContext,
  cgroup: Cgroup,
): void {
  const { uid, gid, effectiveUid, effectiveGid, loginUid } = event;
  const name = userName(uid);
  const effectiveName = effectiveUid === uid ? undefined : userName(effectiveUid);
  const loginName = loginUid === AUDIT_UID_UNSET ? undefined : userName(loginUid);
  const ids = [uid, gid, effectiveUid, effectiveGid, loginUid];
  json.repeated(user, [...ids, name, effectiveName, loginName, hostname, cgroup], () => {
    json.open("{", "user");
    json.text("id", String(uid));
    json.text("name", name);
    if (effectiveUid !== uid || effectiveGid !== gid) writeEffective(json, event, effectiveName);
    if (loginUid !== AUDIT_UID_UNSET) {
      json.open("{", "audit");
      json.text("id", String(loginUid));
      json.text("name", loginName);
      json.close("}");
    }
    json.close("}");
    json.open("{", "group");
    json.text("id", String(gid));
    json.close("}");
    json.open("{", "host");
    json.text("hostname", hostname);
    json.close("}");
    if (cgroup) writeService(json, cgroup);
  });
}

/** Writes the container, the pod and the units of systemd that the caller is part of. */
function writeService(json: JsonWriter, { container, podUid, units, names = {} }: CgroupFacts): void {
  const { name, image, pod } = names;
  if (container) {
    json.open("{", "container");
    json.text("id", container.id);
    json.text("runtime", container.runtime);
    writeName(json, "name", name);
    if (image !== undefined) {
      json.open("{", "image");
      writeName(json, "name", image);
      json.close("}");
    }
    json.close("}");
  }
  if (podUid !== undefined || pod) {
    json.open("{", "orchestrator");
    json.text("type", "kubernetes");
    writeName(json, "namespace", pod?.namespace);
    json.open("{", "resource");
    json.text("type", "pod");
    json.text("id", podUid);
    writeName(json, "name", pod?.name);
    json.close("}");
    json.close("}");
  }
  if (units) {
    json.open("{", "systemd");
    json.text("unit", units.unit);
    json.text("slice", units.slice);
    json.text("user_unit", units.userUnit);
    json.close("}");
  }
}

/** Writes a text that another program chooses, if there is one. */
function writeName(json: JsonWriter, key: string, name: string | undefined): void {
  if (name !== undefined) json.string(key, (out) => writeLossless(out, encoder.encode(name)));
}

/** Writes the effective ids that differ from the real ones. */
function writeEffective(json: JsonWriter, event: AuditRecord["event"], name: string | undefined): void {
  json.open("{", "effective");
  if (event.effectiveUid !== event.uid) json.text("id", String(event.effectiveUid));
  json.text("name", name);
  if (event.effectiveGid !== event.gid) {
    json.open("{", "group");
    json.text("id", String(event.effectiveGid));
    json.close("}");
  }
  json.close("}");
}

function writePlace(json: JsonWriter, { event }: AuditRecord, { backend }: RunContext, cgroup: Cgroup): void {
  const { netns, sessionId, cgroupId, isByReader } = event;
  json.repeated(place, [netns, sessionId, cgroupId, cgroup, backend, isByReader], () => {
    json.open("{", "linux");
    json.number("netns", netns);
    json.number("session_id", sessionId === AUDIT_UID_UNSET ? undefined : sessionId);
    json.text("cgroup_id", cgroupId === 0n ? undefined : String(cgroupId));
    json.text("cgroup_path", cgroup?.path);
    json.close("}");
    json.open("{", "mine");
    json.text("backend", backend);
    if (isByReader) json.boolean("ended_by_other_process", true);
    json.close("}");
  });
}

/** Writes the arguments as words, with spaces between them. */
function writeCommandLine(out: ByteWriter, bytes: Uint8Array): void {
  for (let start = 0; start < bytes.length; ) {
    if (start > 0) out.ascii(" ");
    const nul = bytes.indexOf(0, start);
    const end = nul < 0 ? bytes.length : nul;
    writeWord(out, bytes.subarray(start, end));
    start = end + 1;
  }
}
