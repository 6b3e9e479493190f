// One line for one event, letter by letter.
import { expect, test } from "bun:test";
import type { MineEvent } from "../../src/events/event.ts";
import type { IpsetMessage } from "../../src/netlink/ipset-message.ts";
import type { Outcome } from "../../src/netlink/ipset-result.ts";
import { formatText, type Line } from "../../src/output/text.ts";

const UNSET = 0xffffffff;
const setExists = "Set cannot be created: set with the same name already exists";

interface Given {
  event?: Partial<MineEvent>;
  message?: Omit<Partial<IpsetMessage>, "setName" | "secondName" | "typeName">;
  set?: string | undefined;
  second?: string | undefined;
  type?: string | undefined;
  outcome?: Outcome;
  line?: Partial<Line>;
}

/** The line of a CREATE by root in 2021, but for what is given. */
function format({ event, message, set, second, type, outcome, line }: Given): string {
  return formatText({
    event: {
      tsNs: 0n,
      pid: 17436,
      tid: 17436,
      uid: 0,
      loginUid: UNSET,
      result: 0,
      messageLen: 20,
      capturedLen: 20,
      reserved: 0,
      comm: Buffer.from("ipset"),
      message: new Uint8Array(20),
      ...event,
    },
    message: {
      command: "CREATE",
      commandNumber: 2,
      ...(set !== undefined && { setName: Buffer.from(set) }),
      ...(second !== undefined && { secondName: Buffer.from(second) }),
      ...(type !== undefined && { typeName: Buffer.from(type) }),
      ...message,
    },
    outcome: outcome ?? { succeeded: true },
    time: new Date(2021, 2, 19, 1, 1, 59),
    uid: 0,
    userName: "root",
    ...line,
  });
}

/** What was done and how it ended, without when and who. */
const tail = (given: Given): string =>
  format(given).replace("(2021/03/19_01:01) ipset (pid: 17436) (username: root - uid: 0) - ", "");

test("a set is created", () => {
  const line = { uid: 1000, userName: "rafaeldtinoco" };
  expect(format({ set: "test123", type: "hash:ip", line })).toBe(
    "(2021/03/19_01:01) ipset (pid: 17436) (username: rafaeldtinoco - uid: 1000) - CREATE test123 (type: hash:ip) - SUCCESS",
  );
});

test("a set cannot be created", () => {
  const outcome = { succeeded: false, sentence: setExists };
  const line = { uid: 1000, userName: "rafaeldtinoco" };
  expect(format({ event: { pid: 17437 }, set: "test123", type: "hash:ip", outcome, line })).toBe(
    "(2021/03/19_01:01) ipset (pid: 17437) (username: rafaeldtinoco - uid: 1000) - CREATE test123 (type: hash:ip) - ERROR (Set cannot be created: set with the same name already exists)",
  );
});

const lines: [string, Given][] = [
  ["CREATE a (type: hash:ip,port) - SUCCESS", { set: "a", type: "hash:ip,port" }],
  ["CREATE <no set> (type: <no type>) - SUCCESS", {}],
  ["DESTROY a - SUCCESS", { message: { command: "DESTROY" }, set: "a" }],
  ["DESTROY <all sets> - SUCCESS", { message: { command: "DESTROY" } }],
  ["FLUSH <all sets> - SUCCESS", { message: { command: "FLUSH" } }],
  ["LIST <all sets> - SUCCESS", { message: { command: "LIST" } }],
  ["SAVE a - SUCCESS", { message: { command: "SAVE" }, set: "a" }],
  [
    "RENAME test123 -> test456 - SUCCESS",
    { message: { command: "RENAME" }, set: "test123", second: "test456" },
  ],
  ["RENAME a -> <no set> - SUCCESS", { message: { command: "RENAME" }, set: "a" }],
  ["SWAP test456 <-> test789 - SUCCESS", { message: { command: "SWAP" }, set: "test456", second: "test789" }],
  ["ADD test123 - SUCCESS", { message: { command: "ADD" }, set: "test123" }],
  ["DEL test123 - SUCCESS", { message: { command: "DEL" }, set: "test123" }],
  [
    "TEST test123 - SUCCESS (not in set)",
    { message: { command: "TEST" }, set: "test123", outcome: { succeeded: true, sentence: "not in set" } },
  ],
  ["ADD <no set> - SUCCESS", { message: { command: "ADD" } }],
  ["PROTOCOL - SUCCESS", { message: { command: "PROTOCOL" } }],
  ["HEADER a - SUCCESS", { message: { command: "HEADER" }, set: "a" }],
  ["TYPE hash:net - SUCCESS", { message: { command: "TYPE" }, type: "hash:net" }],
  ["GET_BYNAME a - SUCCESS", { message: { command: "GET_BYNAME" }, set: "a" }],
  ["GET_BYINDEX 0 - SUCCESS", { message: { command: "GET_BYINDEX", index: 0 } }],
  ["GET_BYINDEX <no index> - SUCCESS", { message: { command: "GET_BYINDEX" } }],
  ["COMMAND 77 a - SUCCESS", { message: { command: undefined, commandNumber: 77 }, set: "a" }],
];

test.each(lines)("%s", (expected, given) => {
  expect(tail(given)).toBe(expected);
});

test("a name cannot pass for another part of the line", () => {
  expect(tail({ set: "x (type: hash:ip) - SUCCESS", type: "a\nb" })).toBe(
    String.raw`CREATE "x (type: hash:ip) - SUCCESS" (type: "a\nb") - SUCCESS`,
  );
  expect(tail({ message: { command: "DESTROY" }, set: "<all sets>" })).toBe(`DESTROY "<all sets>" - SUCCESS`);
  expect(tail({ message: { command: "DESTROY" }, set: "" })).toBe(`DESTROY "" - SUCCESS`);
  expect(tail({ message: { command: "RENAME" }, set: "a -> b", second: "c" })).toBe(
    `RENAME "a -> b" -> c - SUCCESS`,
  );
});

test("neither can the name of a program or of a user", () => {
  const comm = Buffer.from("a (pid: 1)\x1b");
  expect(format({ event: { comm }, set: "a", type: "b", line: { userName: "root - uid: 0) x" } })).toBe(
    String.raw`(2021/03/19_01:01) "a (pid: 1)\x1b" (pid: 17436) (username: "root - uid: 0) x" - uid: 0) - CREATE a (type: b) - SUCCESS`,
  );
});

test("a user without a name is told from one who is called so", () => {
  const who = (userName: string | undefined) =>
    /username: .* - uid: \d+/.exec(format({ line: { userName } }))?.[0];
  expect(who(undefined)).toBe("username: <unknown> - uid: 0");
  expect(who("<unknown>")).toBe(`username: "<unknown>" - uid: 0`);
});

test("a malformed message is told, with its bytes", () => {
  const message = { command: "DESTROY", malformed: "2 stray bytes at the end" } as const;
  const event = { message: new Uint8Array([0xff, 0x0a]), messageLen: 2 };
  expect(tail({ event, message, set: "a" })).toBe(
    "DESTROY a <malformed: 2 stray bytes at the end: ff0a> - SUCCESS",
  );
});

test("a message that was cut is told with both lengths, and what is missing is not guessed", () => {
  const event = { message: new Uint8Array(16384), messageLen: 20000 };
  const cut = "<truncated: 16384 of 20000 bytes> - SUCCESS";
  expect(tail({ event, message: { command: "ADD" }, set: "a" })).toBe(`ADD a ${cut}`);
  expect(tail({ event, message: { command: "DESTROY" } })).toBe(`DESTROY <cut off> ${cut}`);
  expect(tail({ event, message: { command: "SWAP" }, set: "a" })).toBe(`SWAP a <-> <cut off> ${cut}`);
  expect(tail({ event, set: "a" })).toBe(`CREATE a (type: <cut off>) ${cut}`);
  expect(tail({ event, message: { command: "GET_BYINDEX" } })).toBe(`GET_BYINDEX <cut off> ${cut}`);
});

test("times are of this host, every part with all its digits", () => {
  const time = (date: Date) => format({ line: { time: date } }).slice(0, 18);
  expect(time(new Date(2021, 2, 19, 1, 1, 59, 999))).toBe("(2021/03/19_01:01)");
  expect(time(new Date(1999, 11, 31, 23, 59, 59, 999))).toBe("(1999/12/31_23:59)");
});
