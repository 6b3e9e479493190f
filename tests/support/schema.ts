// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Validates events against docs/event.schema.json, in strict mode: an unknown keyword, or one without effect, is
// an error in the schema.
import type { ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import schema from "../../docs/event.schema.json" with { type: "json" };
import runSchema from "../../docs/run.schema.json" with { type: "json" };

const ajv = new Ajv2020({
  strict: true,
  strictTypes: true,
  strictTuples: true,
  strictRequired: true,
  allErrors: true,
});
formats(ajv, ["date-time", "uuid"]);
const validate = ajv.compile(schema);
const validateRun = ajv.compile(runSchema);

/** Validates an event. @returns a sentence for each fault, with its path; empty if the event is valid. */
export function validateEvent(event: unknown, by: ValidateFunction = validate): string[] {
  by(event);
  return (by.errors ?? []).map(({ instancePath, message, params }) => {
    return `${instancePath || "/"} ${message} ${JSON.stringify(params)}`;
  });
}

interface Parent {
  pid: number;
  entity_id?: string;
  start?: string;
  name?: string;
  parent?: Parent;
}

/** Event as the schema describes it. */
export interface JsonEvent {
  "@timestamp": string;
  event: {
    kind: string;
    category: string[];
    type: string[];
    action: string;
    outcome: "success" | "failure" | "unknown";
  };
  process: {
    pid: number;
    /** These are absent where mine.ended_by_other_process is present. */
    thread?: { id: number };
    entity_id?: string;
    start?: string;
    parent?: Parent;
    name?: string;
    executable?: string;
    command_line?: string;
    command_line_truncated?: true;
  };
  user: {
    id: string;
    name?: string;
    effective?: { id?: string; name?: string; group?: { id: string } };
    audit?: { id: string; name?: string };
  };
  group: { id: string };
  host: { hostname: string };
  container?: { id: string; runtime?: string; name?: string; image?: { name: string } };
  orchestrator?: {
    type: "kubernetes";
    namespace?: string;
    resource: { type: "pod"; id?: string; name?: string };
  };
  systemd?: { unit: string; slice: string; user_unit?: string };
  ipset: {
    command: string;
    set?: string;
    new_name?: string;
    type?: string;
    family?: string;
    revision?: number;
    index?: number;
    exist?: true;
    flags?: number;
    options?: string[];
    elements?: string[];
    element_count?: number;
    failed_element?: number;
    applied_count?: number;
    in_set?: boolean;
    truncated?: { captured: number; length: number };
    abridged?: true;
    malformed?: string;
    message?: string;
    unknown_attributes?: { level: string; number: number; bytes: string }[];
    refused?: true;
    error?: { name: string; number: number; message: string };
  };
  linux: { netns: number; session_id?: number; cgroup_id?: string; cgroup_path?: string };
  mine: { backend: string; ended_by_other_process?: true };
}

/**
 * Returns events or an event without times: two mine see a command at slightly different times, and each reads for itself
 * when the host booted. The entities of processes are the same for all.
 */
export const withoutTimes = <Events>(events: Events): Events =>
  JSON.parse(
    JSON.stringify(events, (key, value) => (["@timestamp", "start"].includes(key) ? undefined : value)),
  );

/** Characters that JSON allows, but that a terminal or a log may not treat as text. */
export const harmful = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Record about the run as its schema describes it. */
export interface JsonRunRecord {
  "@timestamp": string;
  event: {
    kind: string;
    category: string[];
    type: string[];
    action: `mine-${"start" | "set" | "lost" | "end"}`;
  };
  process?: { pid: number; args: string[] };
  host: { hostname: string; boot?: { id: string }; os?: { type: "linux"; kernel: string } };
  ipset?: {
    set: string;
    type?: string;
    family?: string;
    revision?: number;
    options?: string[];
    elements?: string[];
    element_count?: number;
    references?: number;
    unknown_attributes?: { level: string; number: number; bytes: string }[];
    malformed?: string;
  };
  linux?: { netns: number };
  mine: {
    backend: string;
    version?: string;
    set_records?: number;
    seen?: number;
    filtered?: number;
    truncated?: number;
    denied?: number;
    lost?: number;
    causes?: { cause: string; count: number }[];
  };
}

/** Parses a line about a command. @throws {Error} if it has harmful characters or violates the schema. */
export const parseEvent = (line: string): JsonEvent => parse(line, validate) as JsonEvent;

/** Parses a line about the run. @throws {Error} as parseEvent() does. */
export const parseRunRecord = (line: string): JsonRunRecord => parse(line, validateRun) as JsonRunRecord;

const isAboutRun = (line: string): boolean => line.includes('"action":"mine-');

/** Parses the output of `mine -o json`. @returns the commands. @throws {Error} as parseEvent() does. */
export function parseEvents(output: string): JsonEvent[] {
  parseRunRecords(output);
  return linesOf(output)
    .filter((line) => !isAboutRun(line))
    .map(parseEvent);
}

/** Omits the commands of other mines: each lists the sets at its start. */
export const withoutMines = (events: readonly JsonEvent[]): JsonEvent[] =>
  events.filter(({ process }) => process.name !== "mine");

/** Parses the output of `mine -o json`. @returns the records about the run. @throws {Error} as parseEvent() does. */
export const parseRunRecords = (output: string): JsonRunRecord[] =>
  linesOf(output).filter(isAboutRun).map(parseRunRecord);

const linesOf = (output: string): string[] => output.split("\n").filter(Boolean);

function parse(line: string, by: ValidateFunction): unknown {
  if (harmful.test(line)) throw new Error(`not harmless: ${JSON.stringify(line)}`);
  const event = JSON.parse(line);
  const complaints = validateEvent(event, by);
  if (complaints.length > 0) throw new Error(`${complaints.join("\n")}\n${line}`);
  return event;
}
