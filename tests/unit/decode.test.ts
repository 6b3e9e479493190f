// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The step from an event to a record: the decoded message, the outcome, and the facts that user space adds.
import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { hostname } from "node:os";
import { AUDIT_UID_UNSET, type MineEvent } from "../../src/events/event.ts";
import { Recorder, runContext } from "../../src/trace/decode.ts";
import { address, batch, element, nested, setName, u32 } from "../support/ipset-encoder.ts";
import { formatJson, formatText } from "../support/lines.ts";
import { attribute, bareMessage, ipsetMessage, zeroEnded } from "../support/netlink-encoder.ts";
import { errorOf, eventWith } from "../support/records.ts";
import { parseEvent } from "../support/schema.ts";

const CREATE = 2;
const ADD = 9;
const LINENO = 9;
const EXIST = -4103;
const EINTR = -4;
const HASH_OR_BITMAP = -4352;

const record = (event: Partial<MineEvent>, recorder = new Recorder()) =>
  recorder.record(eventWith(event), 0n);

const host = (last: number) => address(1, Buffer.from([10, 0, 0, last]));
/** Returns an ADD of 10.0.0.1, 10.0.0.2, ... with these line numbers. */
const additions = (...lines: (number | undefined)[]) =>
  ipsetMessage(
    ADD,
    setName("a"),
    u32(LINENO, lines[0] ?? 0),
    batch(
      ...lines.map((line, index) =>
        line === undefined ? element(host(index + 1)) : element(host(index + 1), u32(LINENO, line)),
      ),
    ),
  );
/** Returns the message as the kernel sends it back: with the failed line, truncated to 96 bytes by the kernel side. */
const sentBack = (line: number) =>
  ipsetMessage(ADD, setName("a"), u32(LINENO, line), Buffer.alloc(60)).subarray(0, 96);

describe("the answer", () => {
  test("is the handler's result when the handler sends no acknowledgement itself", () => {
    expect(record({ message: ipsetMessage(CREATE), result: -17 }).outcome).toMatchObject({
      status: "failure",
      error: { name: "EEXIST", number: 17 },
    });
    expect(record({ message: ipsetMessage(CREATE) }).outcome).toEqual({ status: "success" });
  });

  test("is the acknowledgement that the handler sends, not the -EINTR that it returns", () => {
    const { outcome } = record({ message: additions(1, 2), result: EINTR, answer: EXIST });
    expect(outcome).toEqual({
      status: "failure",
      error: { name: "IPSET_ERR_EXIST", number: 4103 },
      sentence: "Element cannot be added to the set: it's already added",
    });
  });

  test("succeeds for a list that the kernel sends, and fails for a refused list", () => {
    const list = ipsetMessage(7, setName("a"));
    expect(record({ message: list, result: EINTR }).outcome.status).toBe("success");
    expect(record({ message: list, result: EINTR, answer: -2 }).outcome).toMatchObject({
      status: "failure",
      error: { name: "ENOENT" },
    });
  });

  test("is neither success nor failure when the kernel side misses it", () => {
    const event = record({ message: additions(1), isUnanswered: true });
    expect(event.outcome).toEqual({
      status: "unknown",
    });
    const { event: outcome, ipset } = parseEvent(formatJson(event));
    expect([outcome.outcome, ipset.error]).toEqual(["unknown", undefined]);
    expect(formatText(event)).toEndWith(
      " - ADD a 10.0.0.1 -exist - UNKNOWN (the kernel's answer was not seen)",
    );
  });

  test("has an error name of the set's type after mine sees the set's creation", () => {
    const recorder = new Recorder();
    const create = ipsetMessage(CREATE, setName("a"), attribute(3, zeroEnded("bitmap:ip")));
    const add = { message: additions(1), result: HASH_OR_BITMAP };
    const error = (netns: number) => errorOf(record({ ...add, netns }, recorder).outcome)?.name;
    expect(error(1)).toBe("IPSET_ERR 4352");
    record({ message: create, result: -17, netns: 1 }, recorder);
    expect(error(1)).toBe("IPSET_ERR 4352");
    record({ message: create, netns: 1 }, recorder);
    expect([error(1), error(2)]).toEqual(["IPSET_ERR_BITMAP_RANGE", "IPSET_ERR 4352"]);
  });

  test("to a CREATE has an error name of the requested type", () => {
    const create = ipsetMessage(CREATE, setName("a"), attribute(3, zeroEnded("hash:ip")));
    expect(errorOf(record({ message: create, result: HASH_OR_BITMAP }).outcome)?.name).toBe(
      "IPSET_ERR_HASH_FULL",
    );
  });
});

describe("the failed element", () => {
  const failed = (message: Uint8Array, reply: Uint8Array, answer = EXIST) =>
    record({ message, reply, result: EINTR, answer }).failedElement;

  test("is the element with the line that the kernel reports", () => {
    const message = additions(5, 6, 9);
    expect([5, 6, 9].map((line) => failed(message, sentBack(line)))).toEqual([0, 1, 2]);
  });

  test("is unknown when the line does not identify it", () => {
    const message = additions(5, 6, 9);
    expect(failed(message, sentBack(7))).toBeUndefined(); // no such line
    expect(failed(message, new Uint8Array())).toBeUndefined(); // no message sent back
    expect(failed(message, sentBack(6).subarray(0, 30))).toBeUndefined(); // too few bytes of it
    expect(failed(message, bareMessage(ADD))).toBeUndefined(); // no line in it
    expect(failed(additions(undefined, undefined), bareMessage(ADD))).toBeUndefined();
    // A program may give several elements the same line. The line then identifies none of them.
    expect(failed(additions(1, 1, 1), sentBack(1))).toBeUndefined();
    expect(failed(additions(0, 0), sentBack(0))).toBeUndefined();
  });

  test("is undefined after a success", () => {
    expect(record({ message: additions(1, 2), reply: sentBack(1) }).failedElement).toBeUndefined();
  });

  test("is the only element of a batch of one", () => {
    expect(failed(additions(3), sentBack(3))).toBe(0);
  });
});

describe("the number of applied elements", () => {
  const PROTOCOL = -4097;
  const after = (message: Uint8Array, event: Partial<MineEvent>) => record({ message, ...event });
  const applied = (message: Uint8Array, event: Partial<MineEvent>) => after(message, event).appliedCount;
  const batchFailure = (line: number) => ({ reply: sentBack(line), result: EINTR, answer: EXIST });

  test("is the index of the failed element", () => {
    const message = additions(5, 6, 9);
    expect([5, 6, 9].map((line) => applied(message, batchFailure(line)))).toEqual([0, 1, 2]);
    expect(parseEvent(formatJson(after(message, batchFailure(9)))).ipset.applied_count).toBe(2);
    expect(formatText(after(message, batchFailure(9)))).toEndWith(
      " - ERROR (10.0.0.3: Element cannot be added to the set: it's already added; 2 elements took effect)",
    );
  });

  test("is unknown when the kernel does not report the failed element", () => {
    const malformed = ipsetMessage(
      ADD,
      setName("a"),
      u32(LINENO, 1),
      batch(
        element(host(1), u32(LINENO, 1)),
        element(host(2), u32(LINENO, 2)),
        attribute(99, Buffer.alloc(4)),
      ),
    );
    const event = after(malformed, { result: PROTOCOL });
    expect(event.appliedCount).toBeUndefined();
    expect(parseEvent(formatJson(event)).ipset.applied_count).toBeUndefined();
    expect(formatText(event)).toEndWith(
      " - ERROR (Kernel error received: ipset protocol error; elements before the failed one may have taken effect)",
    );
    expect(applied(additions(1, 2), { result: EINTR })).toBeUndefined();
    const noElement = attribute(99, Buffer.alloc(4));
    const followed = ipsetMessage(ADD, setName("a"), batch(element(host(1)), noElement));
    expect(applied(followed, { result: PROTOCOL })).toBeUndefined();
    const whole = additions(...Array(9).keys());
    const cut = { message: whole.subarray(0, 80), messageLen: whole.length };
    expect(record({ ...cut, result: PROTOCOL }).appliedCount).toBeUndefined();
  });

  test("is zero when the kernel reads no element, or when the only one fails", () => {
    expect(applied(additions(1, 2), { result: -2 })).toBe(0);
    expect(applied(additions(1, 2), { result: -95, isRefused: true })).toBe(0);
    expect(applied(additions(1), { result: EXIST })).toBe(0);
    expect(applied(ipsetMessage(ADD), { result: PROTOCOL })).toBe(0);
  });

  test("is undefined for a success and for other commands", () => {
    expect(applied(additions(1, 2), {})).toBeUndefined();
    expect(applied(additions(1, 2), { isUnanswered: true })).toBeUndefined();
    expect(applied(ipsetMessage(11, setName("a"), element(host(1))), { result: -2 })).toBeUndefined();
    expect(applied(ipsetMessage(CREATE), { result: -17 })).toBeUndefined();
  });
});

test("a truncated message is not malformed", () => {
  const whole = additions(1, 2, 3);
  const cut = record({ message: whole.subarray(0, 100), messageLen: whole.length }).message;
  expect([cut.malformed, cut.elements?.length]).toEqual([undefined, 2]);
  expect(record({ message: whole.subarray(0, 100) }).message.malformed).toBeString();
});

describe("a denied message has only names:", () => {
  const denied = (message: Uint8Array, captured = 256) => {
    const given = { message: message.subarray(0, captured), messageLen: message.length };
    return record({ ...given, isRefused: true, result: -1 });
  };
  const typeName = attribute(3, zeroEnded("hash:ip"));

  test("no elements", () => {
    const long = denied(additions(...Array(100).keys()));
    expect(parseEvent(formatJson(long)).ipset).toEqual({
      command: "add",
      set: "a",
      exist: true,
      truncated: { captured: 256, length: long.event.messageLen },
      refused: true,
      error: { name: "EPERM", number: 1, message: "Operation not permitted" },
    });
    expect(formatText(long)).toEndWith(
      ` - ADD a -exist <truncated: 256 of ${long.event.messageLen} bytes> - ERROR (Operation not permitted)`,
    );
    expect(formatText(denied(additions(1, 2)))).toEndWith(
      " - ADD a -exist - ERROR (Operation not permitted)",
    );
  });

  test("no options", () => {
    const create = ipsetMessage(
      CREATE,
      setName("a"),
      typeName,
      nested(7, u32(18, 64)),
      attribute(99, typeName),
    );
    const { ipset } = parseEvent(formatJson(denied(create)));
    expect([ipset.set, ipset.type, ipset.options, ipset.unknown_attributes]).toEqual([
      "a",
      "hash:ip",
      undefined,
      undefined,
    ]);
    expect(formatText(denied(create, 40))).toContain(" - CREATE a (type: <cut off>) ");
  });

  test("but a message that the kernel refuses with another error is read completely", () => {
    const message = additions(1, 2);
    expect(record({ message, isRefused: true, result: -95 }).message.elements).toHaveLength(2);
    expect(record({ message, result: -1 }).message.elements).toHaveLength(2);
  });

  test("and is not malformed at any truncated length", () => {
    const rename = ipsetMessage(5, setName("a"), typeName, Buffer.alloc(8));
    for (let captured = 20; captured < rename.length; captured++) {
      expect(denied(rename, captured).message.malformed).toBeUndefined();
    }
    expect(denied(rename).message.malformed).toBeString();
    expect(denied(rename, 7).message).toMatchObject({ command: undefined });
  });
});

test("times are times of the wall clock", () => {
  const recorder = new Recorder();
  const event = eventWith({ tsNs: 5_000_000_001n });
  expect(recorder.record(event, 1_616_112_000_000_000_000n).timeNs).toBe(1_616_112_005_000_000_001n);
});

describe("user space adds", () => {
  const context = runContext("fexit", { time: { form: "minute", isUtc: false }, ancestry: false });

  test("the host name and the backend", () => {
    expect([context.hostname, context.backend]).toEqual([hostname(), "fexit"]);
  });

  test("the network namespace of mine itself", () => {
    expect(context.ownNetns).toBe(statSync("/proc/self/ns/net").ino);
  });

  test("the names of users", () => {
    const { userName } = context;
    expect([userName(0), userName(AUDIT_UID_UNSET)]).toEqual(["root", undefined]);
    const event = { message: ipsetMessage(CREATE), uid: 0, loginUid: 4_000_000_017 };
    expect(parseEvent(formatJson({ ...context, ...record(event) })).user).toEqual({
      id: "0",
      name: "root",
      audit: { id: "4000000017" },
    });
  });

  test("the cgroup (cgroups.test.ts), and none for id 0", () => {
    expect(context.findCgroup(eventWith({ cgroupId: 0n }))).toBeUndefined();
  });
});
