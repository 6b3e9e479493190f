// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Records about a run: what mine writes at its start, of each set, of losses and at its end.
import { describe, expect, test } from "bun:test";
import { readListedSet } from "../../src/ipset/listed-set.ts";
import { ByteWriter } from "../../src/output/byte-writer.ts";
import { LineOutput, type Lines } from "../../src/output/output.ts";
import { writeRunJson } from "../../src/output/run-json.ts";
import type { RunRecord } from "../../src/output/run-record.ts";
import { writeRunText } from "../../src/output/run-text.ts";
import { RunRecords } from "../../src/trace/run-records.ts";
import { address, batch, element, nested, setName, u8, u32 } from "../support/ipset-encoder.ts";
import { written } from "../support/lines.ts";
import { attribute, ipsetMessage, zeroEnded } from "../support/netlink-encoder.ts";
import { context, recordWith } from "../support/records.ts";
import { harmful, type JsonRunRecord, parseRunRecord } from "../support/schema.ts";

const LIST = 7;
const timeNs = 1_616_112_119_123_456_789n;
const inJson = (record: RunRecord): JsonRunRecord =>
  parseRunRecord(written((out) => writeRunJson(out, record, context)));
const inText = (record: RunRecord): string => written((out) => writeRunText(out, record, context));

const typeName = (name: string) => attribute(3, zeroEnded(name));
/** The kernel adds these to the options: IPSET_ATTR_ELEMENTS, _REFERENCES and _MEMSIZE. */
const counts = [u32(24, 2), u32(25, 1), u32(26, 408)];
const data = (...attributes: Uint8Array[]) => nested(7, ...attributes);
const hashSet = ipsetMessage(
  LIST,
  setName("blocklist"),
  typeName("hash:ip"),
  u8(5, 2),
  u8(4, 5),
  data(u32(18, 1024), u32(19, 65536), ...counts),
);
const one = element(address(1, Buffer.from([10, 0, 0, 1])));
const two = element(address(1, Buffer.from([10, 0, 0, 2])), u32(6, 300));

const listed = (bytes: Uint8Array): RunRecord => ({
  ...{ timeNs, action: "set", netns: 4026531840 },
  set: readListedSet(bytes),
});

test("the start has what a reader needs to interpret the rest", () => {
  const start = {
    ...{ version: "0.2.0", options: ["-o", "json", "--set", "a*"], pid: 7, kernel: "6.12.0" },
    ...{ bootId: "11111111-2222-4333-8444-555555555555", setRecords: 3 },
  };
  const record: RunRecord = { timeNs, action: "start", start, netns: 4026531840 };
  expect(inJson(record)).toEqual({
    "@timestamp": "2021-03-19T00:01:59.123456789Z",
    event: { kind: "event", category: ["configuration"], type: ["start"], action: "mine-start" },
    process: { pid: 7, args: ["mine", "-o", "json", "--set", "a*"] },
    host: { hostname: "host", boot: { id: start.bootId }, os: { type: "linux", kernel: "6.12.0" } },
    linux: { netns: 4026531840 },
    mine: { backend: "kprobe", version: "0.2.0", set_records: 3 },
  });
  const unlisted: RunRecord = { ...record, netns: undefined, start: { ...start, setRecords: undefined } };
  expect(inJson(unlisted).mine).toEqual({ backend: "kprobe", version: "0.2.0" });
  for (const given of [record, unlisted]) expect(inText(given)).toContain("0.2.0");
});

test("a set has its type, its options and the counts of the kernel", () => {
  const { event, ipset, linux } = inJson(listed(hashSet));
  expect([event.kind, event.action]).toEqual(["state", "mine-set"]);
  expect(ipset).toEqual({
    ...{ set: "blocklist", type: "hash:ip", family: "inet", revision: 5 },
    options: ["family inet", "hashsize 1024", "maxelem 65536"],
    ...{ element_count: 2, references: 1 },
  });
  expect(linux).toEqual({ netns: 4026531840 });
});

test("the mark mask is in the kernel's byte order, if it has no flag", () => {
  const of = (mask: Uint8Array) =>
    inJson(listed(ipsetMessage(LIST, setName("a"), typeName("hash:ip,mark"), data(mask)))).ipset?.options;
  expect(of(attribute(11, Buffer.from([0xff, 0xff, 0, 0])))).toEqual(["markmask 0x0000ffff"]);
  expect(of(u32(11, 0xffff))).toEqual(["markmask 0x0000ffff"]);
});

test("elements come with their set, or in messages of their own", () => {
  const elements = ["10.0.0.1", "10.0.0.2 timeout 300"];
  const header = [setName("a"), typeName("hash:ip"), u8(5, 2), u8(4, 5), data(...counts)];
  const together = inJson(listed(ipsetMessage(LIST, ...header, batch(one, two)))).ipset;
  expect(together).toMatchObject({ type: "hash:ip", elements, element_count: 2 });
  const more = inJson(listed(ipsetMessage(LIST, setName("a"), batch(one, two)))).ipset;
  expect(more).toEqual({ set: "a", elements });
});

test("an attribute of a newer kernel is shown, and so is the fault of a shorter message", () => {
  const header = [setName("a"), typeName("hash:ip"), u8(5, 2)];
  const newer = inJson(listed(ipsetMessage(LIST, ...header, data(...counts, u32(30, 9)))));
  expect(newer.ipset?.unknown_attributes).toEqual([{ level: "create", number: 30, bytes: "00000009" }]);
  const cutOff = (length: number) => inJson(listed(hashSet.subarray(0, length))).ipset;
  expect(cutOff(hashSet.length - 2)).toMatchObject({ set: "blocklist", malformed: expect.any(String) });
  for (let length = 44; length < hashSet.length; length++) expect(cutOff(length)?.set).toBe("blocklist");
});

test("a name of a set makes no other text", () => {
  const name = Buffer.from('a"\n\x1b[31m\xff', "latin1");
  const record = listed(
    ipsetMessage(LIST, attribute(2, Buffer.concat([name, Buffer.alloc(1)])), typeName("x")),
  );
  expect(inJson(record).ipset?.set).toBe('a"\n\x1b[31m\\xff');
  expect(inText(record)).not.toMatch(harmful);
});

test("losses and the end have all counts, and their causes", () => {
  const numbers = { seen: 10, filtered: 2, truncated: 1, denied: 4, lost: 3 };
  const record: RunRecord = {
    ...{ timeNs, action: "lost" },
    counts: { ...numbers, causes: [["event buffer full", 3]] },
  };
  expect(inJson(record)).toMatchObject({
    event: { kind: "pipeline_error", action: "mine-lost" },
    mine: { backend: "kprobe", ...numbers, causes: [{ cause: "event buffer full", count: 3 }] },
  });
  const end: RunRecord = { ...record, action: "end", counts: { ...numbers, lost: 0, causes: [] } };
  expect(inJson(end)).toMatchObject({ event: { action: "mine-end" }, mine: { lost: 0, causes: [] } });
});

/** Takes bytes only on request. */
class StalledLines implements Lines {
  readonly line = new ByteWriter();
  readonly isClosed = false;
  readonly name = "lines";
  readonly trouble = undefined;
  isFull = false;
  writtenBytes = 0;

  take(count: number): void {
    this.line.dropFirst(count);
    this.writtenBytes += count;
  }

  endLine(): void {
    this.line.byte(0x0a);
  }

  flush(): boolean {
    return false;
  }

  wait(): void {}

  reopen(): void {}

  countLines(): number {
    return this.line.written().filter((byte) => byte === 0x0a).length;
  }
}

test("an unwritten record about the run is not an unwritten command", () => {
  const record: RunRecord = {
    ...{ timeNs, action: "end" },
    counts: { ...{ seen: 0, filtered: 0, truncated: 0, denied: 0, lost: 0 }, causes: [] },
  };
  const lines = new StalledLines();
  const output = new LineOutput(lines, (out) => out.ascii("a command"), writeRunJson);
  for (let round = 0; round < 3; round++) {
    output.addRun(record, context);
    output.add(recordWith(), context);
  }
  expect(output.countUnwritten()).toBe(3);
  lines.take(lines.line.written().indexOf(0x0a) + 1 + 3); // the first record, and a part of the first command
  expect(output.countUnwritten()).toBe(3);
  lines.take(20);
  expect(output.countUnwritten()).toBe(2);
});

describe("records that wait for the output", () => {
  const counts = { seen: 0, filtered: 0, truncated: 0, denied: 0, lost: 0, causes: [] };
  const facts = { version: "1", options: [], pid: 1, kernel: "6", bootId: undefined };
  const actions = (lines: StalledLines) =>
    Buffer.from(lines.line.written()).toString().split("\n").filter(Boolean).map(parseRunRecord);

  test("are as many as the host has sets", () => {
    const records = new RunRecords();
    const messages = Array.from({ length: 200_000 }, () => hashSet);
    records.start(facts, { netns: 1, sequence: 1, messages });
    const lines = new StalledLines();
    records.writeTo(new LineOutput(lines, () => {}, writeRunJson), context);
    expect(records.isEmpty).toBe(true);
    expect(lines.countLines()).toBe(1 + messages.length);
  });

  test("come in order, and a loss once with the counts of its time", () => {
    const records = new RunRecords();
    const lines = new StalledLines();
    const output = new LineOutput(lines, () => {}, writeRunJson);
    lines.isFull = true;
    records.start(facts, undefined);
    let lost = 1;
    for (const _ of [1, 2, 3]) records.loss(() => ({ ...counts, lost }));
    records.writeTo(output, context);
    expect([records.isEmpty, lines.countLines()]).toEqual([false, 0]);
    lost = 7;
    lines.isFull = false;
    records.writeTo(output, context);
    records.loss(() => ({ ...counts, lost: 8 }));
    records.end(counts);
    records.writeTo(output, context);
    expect(actions(lines).map(({ event, mine }) => [event.action, mine.lost])).toEqual([
      ["mine-start", undefined],
      ["mine-lost", 7],
      ["mine-lost", 8],
      ["mine-end", 0],
    ]);
  });
});
