// The event as C lays it out, against the event as TypeScript reads it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEvent } from "../../src/events/event.ts";
import { mineCounter, mineEvent } from "../../src/events/skeleton.gen.ts";
import { constantsOfC, root, runC } from "../support/compile.ts";

const fixture = readFileSync(join(root, "tests/fixtures/event.c"), "utf8");
const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "layout-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The fixture's bytes behind `shift` others, as they may lie anywhere in a buffer. */
function eventBytes(shift: number): { view: DataView; size: number } {
  const bytes = runC(dir, fixture);
  const memory = new Uint8Array(shift + bytes.length + 16).fill(0xee);
  memory.set(bytes, shift);
  return { view: new DataView(memory.buffer), size: bytes.length };
}

test.each([0, 8, 12, 3])("every field has the value that C gave it, %d bytes into the buffer", (shift) => {
  const { view, size } = eventBytes(shift);
  const event = readEvent(view, shift, size);
  expect({ ...event, comm: new TextDecoder().decode(event?.comm) }).toEqual({
    tsNs: 0x1122334455667788n,
    pid: 0x81000001,
    tid: 0x82000002,
    uid: 0x83000003,
    loginUid: 0x84000004,
    result: -4097,
    messageLen: 0x85000005,
    capturedLen: 1000,
    reserved: 0x86000006,
    comm: "ipset-restore",
    message: Uint8Array.from({ length: 1000 }, (_, index) => index * 7),
  });
});

test("what follows the event, as the perf buffer pads it, is not taken for the message", () => {
  const { view, size } = eventBytes(0);
  expect(readEvent(view, 0, size + 16)?.message.length).toBe(1000);
});

test("an event shorter than it says is none", () => {
  const { view, size } = eventBytes(0);
  expect(readEvent(view, 0, size - 1)).toBeUndefined();
  expect(readEvent(view, 0, mineEvent.message[0] - 1)).toBeUndefined();
});

test("the skeleton has every field of the C struct, in order, at its offset and of its size", () => {
  const widths = { u64: 8, u32: 4, s32: 4 };
  const ours = Object.entries(mineEvent).map(([name, [offset, type, length]]) => {
    const size = type === "string" || type === "bytes" ? length : widths[type];
    return `${name} ${offset} ${size}`;
  });
  const theirs = runC(dir, fixture, ["offsets"]).toString().trim().split("\n");
  expect(ours).toEqual(theirs.map((line) => line.replace(/^\w+/, camelCase)));
  const last = mineEvent.message;
  const { "sizeof(struct mine_event)": size } = constantsOfC(
    dir,
    ["linux/types.h", "mine.h"],
    ["sizeof(struct mine_event)"],
  );
  expect(size).toBe(last[0] + last[2]);
});

test("the counters have the numbers of the C enum", () => {
  const cNames = Object.keys(mineCounter).map(
    (name) => `MINE_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
  );
  const numbers = constantsOfC(dir, ["linux/types.h", "mine.h"], cNames);
  expect(Object.values(numbers)).toEqual(Object.values(mineCounter));
});
