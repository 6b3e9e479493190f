// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Validates events against docs/event.schema.json, in strict mode: an unknown keyword, or one without effect, is
// an error in the schema.
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import schema from "../../docs/event.schema.json" with { type: "json" };

const ajv = new Ajv2020({
  strict: true,
  strictTypes: true,
  strictTuples: true,
  strictRequired: true,
  allErrors: true,
});
formats(ajv, ["date-time"]);
const validate = ajv.compile(schema);

/** Validates an event. @returns a sentence for each fault, with its path; empty if the event is valid. */
export function validateEvent(event: unknown): string[] {
  validate(event);
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
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
  container?: { id: string; runtime?: string };
  orchestrator?: { type: "kubernetes"; resource: { type: "pod"; id: string } };
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

/** Parses a line of `mine -o json`. @throws {Error} if it has harmful characters or violates the schema. */
export function parseEvent(line: string): JsonEvent {
  if (harmful.test(line)) throw new Error(`not harmless: ${JSON.stringify(line)}`);
  const event = JSON.parse(line);
  const complaints = validateEvent(event);
  if (complaints.length > 0) throw new Error(`${complaints.join("\n")}\n${line}`);
  return event;
}
