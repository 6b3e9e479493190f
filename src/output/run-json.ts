// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes a record about the run as one line of JSON, with names of the Elastic Common Schema (docs/run.schema.json).
import type { ListedSet } from "../ipset/listed-set.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { writeDecoded } from "./json-ipset.ts";
import { JsonWriter } from "./json-writer.ts";
import type { RunContext } from "./record.ts";
import type { Counts, RunRecord, Start } from "./run-record.ts";
import { writeUtcNanoseconds } from "./time.ts";

/** event.kind and event.type of ECS. */
const kinds: Record<RunRecord["action"], [kind: string, type: string]> = {
  start: ["event", "start"],
  set: ["state", "info"],
  lost: ["pipeline_error", "info"],
  end: ["event", "end"],
};

/** Writes the line, without a newline. */
export function writeRunJson(out: ByteWriter, record: RunRecord, context: RunContext): void {
  const [kind, type] = kinds[record.action];
  const json = new JsonWriter(out);
  json.open("{");
  json.string("@timestamp", (out) => writeUtcNanoseconds(out, record.timeNs));
  json.open("{", "event");
  json.text("kind", kind);
  json.open("[", "category");
  json.text(undefined, "configuration");
  json.close("]");
  json.open("[", "type");
  json.text(undefined, type);
  json.close("]");
  json.text("action", `mine-${record.action}`);
  json.close("}");
  if (record.action === "start") writeProcess(json, record.start);
  writeHost(json, record, context);
  if (record.action === "set") writeSet(json, record.set);
  if ("netns" in record) writeNetns(json, record.netns);
  json.open("{", "mine");
  json.text("backend", context.backend);
  if (record.action === "start") {
    json.text("version", record.start.version);
    json.number("set_records", record.start.setRecords);
  }
  if ("counts" in record) writeCounts(json, record.counts);
  json.close("}");
  json.close("}");
}

function writeProcess(json: JsonWriter, { pid, options }: Start): void {
  json.open("{", "process");
  json.number("pid", pid);
  json.open("[", "args");
  for (const word of ["mine", ...options]) json.text(undefined, word);
  json.close("]");
  json.close("}");
}

function writeHost(json: JsonWriter, record: RunRecord, { hostname }: RunContext): void {
  json.open("{", "host");
  json.text("hostname", hostname);
  if (record.action === "start") {
    const { bootId, kernel } = record.start;
    if (bootId !== undefined) {
      json.open("{", "boot");
      json.text("id", bootId);
      json.close("}");
    }
    json.open("{", "os");
    json.text("type", "linux");
    json.text("kernel", kernel);
    json.close("}");
  }
  json.close("}");
}

function writeNetns(json: JsonWriter, netns: number | undefined): void {
  if (netns === undefined) return;
  json.open("{", "linux");
  json.number("netns", netns);
  json.close("}");
}

function writeSet(json: JsonWriter, { message, elementCount, references }: ListedSet): void {
  json.open("{", "ipset");
  writeDecoded(json, message, () => false);
  json.number("element_count", elementCount);
  json.number("references", references);
  json.text("malformed", message.malformed);
  json.close("}");
}

function writeCounts(json: JsonWriter, { seen, filtered, truncated, denied, lost, causes }: Counts): void {
  json.number("seen", seen);
  json.number("filtered", filtered);
  json.number("truncated", truncated);
  json.number("denied", denied);
  json.number("lost", lost);
  json.open("[", "causes");
  for (const [cause, count] of causes) {
    if (count === 0) continue;
    json.open("{");
    json.text("cause", cause);
    json.number("count", count);
    json.close("}");
  }
  json.close("]");
}
