// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The datagrams for systemd's journal, read by a decoder of this test (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/), and
// the socket that they go to.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MineError } from "../../src/errors.ts";
import { readListedSet } from "../../src/ipset/listed-set.ts";
import { ByteWriter } from "../../src/output/byte-writer.ts";
import { writeJournal, writeRunJournal } from "../../src/output/journal.ts";
import type { RunRecord } from "../../src/output/run-record.ts";
import { journal as hostJournal, LogOutput } from "../../src/trace/log-output.ts";
import { Receiver } from "../support/datagrams.ts";
import { addition, address } from "../support/ipset-encoder.ts";
import { formatText } from "../support/lines.ts";
import { attribute, ipsetMessage } from "../support/netlink-encoder.ts";
import { context, type GivenWithBytes, recordOf } from "../support/records.ts";

const CREATE = 2;
const RENAME = 5;
const setName = (bytes: Uint8Array, type = 2) => attribute(type, Buffer.concat([bytes, Buffer.alloc(1)]));

/** The fields that a test names, and others. */
type Fields = Record<string, string> & {
  IPSET_COMM?: string;
  IPSET_COMMAND?: string;
  MESSAGE?: string;
  IPSET_SET?: string;
};

/** Decodes a datagram. @throws {Error} if it breaks the protocol. */
function decode(datagram: Uint8Array): Fields {
  const bytes = Buffer.from(datagram);
  const fields: Fields = {};
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf("\n", at);
    const line = bytes.subarray(at, end).toString("latin1");
    const equals = line.indexOf("=");
    const name = equals < 0 ? line : line.slice(0, equals);
    if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name) || name in fields)
      throw new Error(`a field has the name ${name}`);
    if (equals >= 0) {
      fields[name] = line.slice(equals + 1);
      at = end + 1;
      continue;
    }
    const length = Number(bytes.readBigUInt64LE(end + 1));
    const start = end + 9;
    fields[name] = bytes.subarray(start, start + length).toString("latin1");
    if (bytes[start + length] !== 0x0a) throw new Error(`${name} does not end with a newline`);
    at = start + length + 1;
  }
  return fields;
}

function fieldsOf(bytes: Uint8Array, given: GivenWithBytes = {}): Fields {
  const record = recordOf(bytes, given);
  const out = new ByteWriter(1);
  writeJournal(out, record, { ...context, ...record });
  return decode(out.written());
}

test("a command has its fields", () => {
  const given: GivenWithBytes = {
    timeNs: 1_616_112_119_123_456_789n,
    findCgroup: () => ({
      path: "/a",
      container: { id: "0123abcd" },
      names: { name: "a=\nb" },
      units: { unit: "cron.service", slice: "system.slice" },
    }),
    event: {
      ...{ pid: 7, uid: 1000, loginUid: 1001, ancestry: Buffer.alloc(32) },
      ancestors: [{ pid: 6, startNs: 1n, comm: Buffer.from("cron") }],
    },
  };
  const message = addition(address(1, Buffer.from([10, 0, 0, 1])));
  const { MESSAGE_ID: id, ...fields } = fieldsOf(message, given);
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(fields).toEqual({
    MESSAGE: formatText(recordOf(message, given)).replace(/^\(.*?\) /, ""),
    PRIORITY: "6",
    SYSLOG_IDENTIFIER: "mine",
    IPSET_TIME: "2021-03-19T00:01:59.123456789Z",
    IPSET_COMMAND: "ADD",
    IPSET_OUTCOME: "success",
    IPSET_SET: "a",
    OBJECT_PID: "7",
    IPSET_UID: "1000",
    IPSET_ACCOUNTABLE_UID: "1001",
    IPSET_LOGIN_UID: "1001",
    IPSET_COMM: "ipset",
    IPSET_PARENT_COMM: "cron",
    IPSET_SYSTEMD_UNIT: "cron.service",
    IPSET_CONTAINER_ID: "0123abcd",
    IPSET_CONTAINER_NAME: "a=\nb",
  });
});

test("a failure is a warning with its sentence, and an unknown outcome a notice", () => {
  expect(fieldsOf(ipsetMessage(CREATE, setName(Buffer.from("a"))), { result: -17 })).toMatchObject({
    PRIORITY: "4",
    IPSET_OUTCOME: "failure",
    IPSET_ERROR: "Set cannot be created: set with the same name already exists",
  });
  const unknown = fieldsOf(ipsetMessage(CREATE), { outcome: { status: "unknown" } });
  expect(unknown).toMatchObject({ PRIORITY: "5", IPSET_OUTCOME: "unknown" });
  expect(unknown).not.toHaveProperty("IPSET_ERROR");
  expect(unknown).not.toHaveProperty("IPSET_SET");
});

test("a command without a name has its number", () => {
  expect(fieldsOf(ipsetMessage(99)).IPSET_COMMAND).toBe("99");
});

test("a record about the run has its own fields, and the set", () => {
  const fieldsOfRun = (record: RunRecord): Fields => {
    const out = new ByteWriter(1);
    writeRunJournal(out, record, context);
    return decode(out.written());
  };
  const listed = ipsetMessage(7, setName(Buffer.from("a\nb")), setName(Buffer.from("hash:ip"), 3));
  const set = fieldsOfRun({ timeNs: 0n, action: "set", set: readListedSet(listed), netns: 1 });
  expect(set).toMatchObject({ PRIORITY: "6", MINE_ACTION: "set", IPSET_SET: "a\nb" });
  expect(set.IPSET_COMMAND).toBeUndefined();
  const counts = { seen: 7, filtered: 0, truncated: 0, denied: 0, lost: 2 };
  const lost = fieldsOfRun({
    timeNs: 0n,
    action: "lost",
    counts: { ...counts, causes: [["probe missed", 2]] },
  });
  expect(lost).toMatchObject({ PRIORITY: "4", MINE_ACTION: "lost", MINE_SEEN: "7", MINE_LOST: "2" });
});

describe("a name makes no field of its own, and is not changed:", () => {
  test.each(["a\nPRIORITY=0", "\n", "=", "a\nMESSAGE\n\x01", "bad\xff", "\x1b[31m", "caf\xc3\xa9"])(
    "%j",
    (name) => {
      const bytes = Buffer.from(name, "latin1");
      const message = ipsetMessage(RENAME, setName(bytes), setName(bytes, 3));
      const fields = fieldsOf(message, { event: { comm: bytes } });
      expect(fields).toMatchObject({
        PRIORITY: "6",
        IPSET_SET: name,
        IPSET_SECOND_SET: name,
        IPSET_COMM: name,
      });
      expect(fields.MESSAGE).not.toContain("\x1b");
    },
  );
});

describe("the socket", () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "journal-test-"));
    path = join(dir, "socket");
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const record = (name: string) => recordOf(ipsetMessage(CREATE, setName(Buffer.from(name))));
  const setsOf = ({ datagrams }: Receiver) => datagrams.map((datagram) => decode(datagram).IPSET_SET);

  test("that is missing at the start is an error", () => {
    try {
      new LogOutput({ ...hostJournal, path });
      throw new Error("no error");
    } catch (error) {
      if (!(error instanceof MineError)) throw error;
      expect([error.reason, error.exitCode]).toEqual(["no-journal", 3]);
      expect(error.message).toContain("ENOENT");
    }
  });

  test("gets one datagram for each record", async () => {
    using journal = await Receiver.bind(path);
    const output = new LogOutput({ ...hostJournal, path });
    for (const name of ["a", "b", "c"]) output.add(record(name), context);
    await journal.until(() => journal.datagrams.length === 3);
    expect(setsOf(journal)).toEqual(["a", "b", "c"]);
    expect([output.isWritten, output.countUnwritten()]).toEqual([true, 0]);
    expect(output.writtenBytes).toBe(journal.datagrams.reduce((sum, { length }) => sum + length, 0));
  });

  test("gets a record that is too long for a datagram as a sealed file", async () => {
    using journal = await Receiver.bind(path);
    const output = new LogOutput({ ...hostJournal, path });
    const comm = Buffer.alloc(2 ** 20, "x");
    const long = recordOf(ipsetMessage(CREATE, setName(Buffer.from("a"))), { event: { comm } });
    output.add(long, context);
    output.add(record("b"), context);
    await journal.until(() => journal.datagrams.length === 2);
    expect(setsOf(journal)).toEqual(["a", "b"]);
    expect(decode(journal.datagrams[0] ?? Buffer.alloc(0)).IPSET_COMM).toHaveLength(comm.length);
    expect(journal.files).toBe(1);
  });

  test("that takes nothing leaves one record here, and gets it later", async () => {
    using journal = await Receiver.bind(path);
    const output = new LogOutput({ ...hostJournal, path });
    journal.pause();
    let sent = 0;
    for (; !output.isFull; sent++) output.add(record(String(sent)), context);
    expect(output.countUnwritten()).toBe(1);
    output.flush();
    expect(output.isWritten).toBe(false);
    journal.resume();
    for (; !output.isWritten; output.flush()) output.wait(100);
    await journal.until(() => journal.datagrams.length === sent);
    expect(setsOf(journal)).toEqual(Array.from({ length: sent }, (_, index) => String(index)));
  });

  test("that goes away and comes back gets every record", async () => {
    const first = await Receiver.bind(path);
    const output = new LogOutput({ ...hostJournal, path });
    output.add(record("a"), context);
    await first.until(() => first.datagrams.length === 1);
    first[Symbol.dispose]();
    await first.until(() => {
      if (output.isWritten) output.add(record("lost or kept"), context);
      return output.isFull;
    });
    rmSync(path);
    output.flush();
    expect(output.countUnwritten()).toBe(1);
    using second = await Receiver.bind(path);
    for (; !output.isWritten; output.flush()) output.wait(10);
    output.add(record("b"), context);
    await second.until(() => second.datagrams.length === 2);
    expect(setsOf(second)).toEqual(["lost or kept", "b"]);
  });
});
