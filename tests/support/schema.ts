// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Is it an event as docs/event.schema.json describes it? Asked of a validator that takes the schema
// literally: a keyword that it does not know, or that cannot have an effect, is an error in the schema.
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

/** @returns what is wrong, each with the place where; empty when nothing is. */
export function validateEvent(event: unknown): string[] {
  validate(event);
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    return `${instancePath || "/"} ${message} ${JSON.stringify(params)}`;
  });
}

/** An event as the schema describes it. */
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
    /** These three are absent where mine.ended_by_other_process is present. */
    thread?: { id: number };
    parent?: { pid: number };
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
  container?: { id: string };
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

/** All that JSON allows and a terminal or a log may take for something else than text. */
export const harmful = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** @throws where the line is not what every line of `mine -o json` must be. */
export function parseEvent(line: string): JsonEvent {
  if (harmful.test(line)) throw new Error(`not harmless: ${JSON.stringify(line)}`);
  const event = JSON.parse(line);
  const complaints = validateEvent(event);
  if (complaints.length > 0) throw new Error(`${complaints.join("\n")}\n${line}`);
  return event;
}
