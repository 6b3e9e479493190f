// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// docs/event.schema.json describes every field that an event can have and no other, and refuses other input.
import { describe, expect, test } from "bun:test";
import schema from "../../docs/event.schema.json" with { type: "json" };
import { addition, address, creation, u8, u32 } from "../support/ipset-encoder.ts";
import { formatJson } from "../support/lines.ts";
import { attribute, ipsetMessage, zeroEnded } from "../support/netlink-encoder.ts";
import { recordedMessages } from "../support/recorded-messages.ts";
import { recordOf } from "../support/records.ts";
import { type JsonEvent, parseEvent, validateEvent } from "../support/schema.ts";

interface Schema {
  type?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean;
  items?: Schema;
  /** A schema that another field has too. */
  $ref?: string;
}

/** Every field by its path, such as ipset.elements; the items of an array have the path of the first one. */
function fieldsOf(path: string, { properties = {}, items }: Schema): [string, Schema][] {
  const inner = items ? { 0: items } : properties;
  return Object.entries(inner).flatMap(([name, field]): [string, Schema][] => {
    const at = path === "" ? name : `${path}/${name}`;
    return [[at, field], ...fieldsOf(at, field)];
  });
}

const fields = new Map<string, Schema>([["", schema as Schema], ...fieldsOf("", schema as Schema)]);

type Json = Record<string, unknown>;

/** The object with the last name of a path, and that name. */
function holderOf(event: unknown, path: string): { holder: Json | undefined; name: string } {
  const names = path.split("/");
  const name = names.pop() ?? "";
  const holder = names.reduce<Json | undefined>((at, key) => at?.[key] as Json | undefined, event as Json);
  return { holder, name };
}

const has = (event: unknown, path: string): boolean => {
  const { holder, name } = holderOf(event, path);
  return path === "" || (holder !== undefined && name in holder);
};

const facts = { entityId: "a".repeat(22), startTimeNs: 1n };
const ancestor = { pid: 1, startNs: 1n, comm: Buffer.from("c") };
const ipv4 = Buffer.from([10, 0, 0, 1]);
const failedAdd = recordOf(addition(address(1, ipv4), attribute(99, Buffer.from([1]))), {
  result: -4103,
  failedElement: 0,
  appliedCount: 0,
  findCgroup: () => ({
    path: "/a",
    container: { id: "0f".repeat(32), runtime: "docker" },
    podUid: "01234567-89ab-cdef-0123-456789abcdef",
    names: { name: "a", image: "b", pod: { name: "c", namespace: "d" } },
    units: { unit: "a.service", slice: "b.slice", userUnit: "c.service" },
  }),
  findProcess: () => facts,
  event: {
    ...{ effectiveUid: 1, effectiveGid: 2, loginUid: 0, sessionId: 2, cgroupId: 3n, isRefused: true },
    ...{ startNs: 1n, ancestry: Buffer.alloc(64), ancestors: [ancestor, ancestor] },
    executable: Buffer.from("/a"),
    arguments: Buffer.from("a\0"),
    argumentsLen: 100,
  },
});

/** Lines that together have every field. */
const lines = [
  failedAdd,
  recordOf(creation("hash:ip", 2, u32(18, 64), attribute(77, Buffer.alloc(0)))),
  recordOf(ipsetMessage(2, u8(4, 1)), { event: { messageLen: 20_000 } }),
  recordOf(ipsetMessage(3, attribute(2, zeroEnded("a"), 77))),
  recordOf(ipsetMessage(5, attribute(2, zeroEnded("a")), attribute(3, zeroEnded("b")))),
  recordOf(ipsetMessage(8, u32(6, 3))),
  recordOf(ipsetMessage(11)),
  recordOf(ipsetMessage(11, ...Array<Uint8Array>(200).fill(attribute(99, Buffer.alloc(0))))),
  recordOf(ipsetMessage(7), { event: { isByReader: true } }),
  recordOf(ipsetMessage(15, attribute(11, Buffer.alloc(2)))),
  ...recordedMessages.map((bytes) => recordOf(bytes)),
].map((record) => formatJson(record));

/** A new one each time, to be spoilt. */
const eventWithField = (path: string): JsonEvent => {
  const line = lines.find((candidate) => has(JSON.parse(candidate), path));
  if (line === undefined) throw new Error(`no event has ${path}`);
  return parseEvent(line);
};

test("fields were found, and each is one that events have", () => {
  expect(fields.size).toBeGreaterThan(60);
  for (const path of fields.keys()) expect(has(eventWithField(path), path)).toBe(true);
});

test("every field has its type, and says what it is", () => {
  for (const [path, { type, description = "", ...field }] of fields) {
    expect({ path, type }).toEqual({
      path,
      type: expect.stringMatching(/^(string|integer|boolean|object|array)$/),
    });
    expect({ path, isDescribed: path.endsWith("/0") || /^[A-Z].{10,}\.$/s.test(description) }).toEqual({
      path,
      isDescribed: true,
    });
    if (type === "object" && !field.$ref)
      expect({ path, more: field.additionalProperties }).toEqual({ path, more: false });
  }
});

describe("an event is refused", () => {
  const paths = [...fields.keys()].filter((path) => path !== "");

  test.each(paths)("with something else for %s", (path) => {
    for (const wrong of [null, 1.5, -1, {}, [{}]]) {
      const event = eventWithField(path);
      const { holder, name } = holderOf(event, path);
      if (holder) holder[name] = wrong;
      expect({ wrong, isRefused: validateEvent(event).length > 0 }).toEqual({ wrong, isRefused: true });
    }
  });

  const isObject = (path: string) => fields.get(path)?.type === "object";
  test.each([...fields.keys()].filter(isObject))("with a field more in '%s'", (path) => {
    const event = eventWithField(path);
    const { holder, name } = holderOf(event, path === "" ? "surplus" : `${path}/surplus`);
    if (holder) holder[name] = "x";
    expect(validateEvent(event).join()).toContain("surplus");
  });

  const required = [...fields].flatMap(([path, field]) =>
    (field.required ?? []).map((name) => (path === "" ? name : `${path}/${name}`)),
  );
  test.each(required)("without %s", (path) => {
    const event = eventWithField(path);
    const { holder, name } = holderOf(event, path);
    delete holder?.[name];
    expect(validateEvent(event).join()).toContain(`must have required property '${name}'`);
  });

  const words = ["exist", "refused"].map((name) => `ipset/${name}`).concat("process/command_line_truncated");
  test.each(words)("with %s where that is not so: it is absent then", (path) => {
    const event = eventWithField(path);
    const { holder, name } = holderOf(event, path);
    if (holder) holder[name] = false;
    expect(validateEvent(event)).not.toEqual([]);
  });

  const contradictions: [what: string, spoil: (event: JsonEvent) => void][] = [
    ["a failure without an error", ({ ipset }) => delete ipset.error],
    ["an error of a success", ({ event }) => Object.assign(event, { outcome: "success" })],
    ["an element at fault without elements", ({ ipset }) => delete ipset.elements],
    [
      "a success of which only a part took effect",
      (event) => {
        Object.assign(event, { event: { ...event.event, outcome: "success" } });
        delete event.ipset.error;
        delete event.ipset.failed_element;
      },
    ],
    ["elements that were not counted", ({ ipset }) => delete ipset.element_count],
    ["a message that is not malformed", ({ ipset }) => Object.assign(ipset, { message: "00" })],
    ["a malformed message without its bytes", ({ ipset }) => Object.assign(ipset, { malformed: "x" })],
    ["a process without its name", ({ process }) => delete process.name],
    [
      "a name of a process that is not the one which ended the command",
      ({ mine }) => Object.assign(mine, { ended_by_other_process: true }),
    ],
    [
      "elements of a message that is abridged",
      ({ ipset }) => Object.assign(ipset, { abridged: true, message: "" }),
    ],
    ["half a byte", ({ ipset }) => Object.assign(ipset, { malformed: "x", message: "0" })],
    ["a time without nanoseconds", (event) => Object.assign(event, { "@timestamp": "2021-03-19T00:00:00Z" })],
    [
      "a time that is none",
      (event) => Object.assign(event, { "@timestamp": "2021-13-19T00:00:00.000000000Z" }),
    ],
    [
      "a time elsewhere",
      (event) => Object.assign(event, { "@timestamp": "2021-03-19T00:00:00.000000000+01:00" }),
    ],
  ];
  test.each(contradictions)("with %s", (_, spoil) => {
    const event = parseEvent(formatJson(failedAdd));
    spoil(event);
    expect(validateEvent(event)).not.toEqual([]);
  });
});
