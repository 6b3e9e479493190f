// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// One line for one event, letter by letter.
import { describe, expect, test } from "bun:test";
import { AUDIT_UID_UNSET, type MineEvent } from "../../src/events/event.ts";
import type { Element } from "../../src/ipset/element.ts";
import type { IpsetMessage } from "../../src/ipset/message.ts";
import type { Outcome } from "../../src/ipset/outcome.ts";
import { formatText } from "../support/lines.ts";
import { elementsOf, eventWith, failureWith, recordWith, type ShownRecord } from "../support/records.ts";

const setExists = "Set cannot be created: set with the same name already exists";

interface Given {
  event?: Partial<MineEvent>;
  message?: Omit<Partial<IpsetMessage>, "setName" | "secondName" | "typeName">;
  set?: string | undefined;
  second?: string | undefined;
  type?: string | undefined;
  outcome?: Outcome;
  record?: Partial<ShownRecord>;
}

/** As the kernel counts it. */
const ns = (date: Date): bigint => BigInt(date.getTime()) * 1_000_000n;

/** Returns the line of a CREATE by root in 2021, with the given differences. */
function format({ event, message, set, second, type, outcome, record }: Given): string {
  return formatText(
    recordWith({
      event: eventWith(event),
      message: {
        command: "CREATE",
        commandNumber: 2,
        ...(set !== undefined && { setName: Buffer.from(set) }),
        ...(second !== undefined && { secondName: Buffer.from(second) }),
        ...(type !== undefined && { typeName: Buffer.from(type) }),
        ...message,
      },
      outcome: outcome ?? { status: "success" },
      timeNs: ns(new Date(2021, 2, 19, 1, 1, 59)),
      ...record,
    }),
  );
}

/** Returns the command and its outcome, without time and caller. */
const tail = (given: Given): string =>
  format(given).replace("(2021/03/19_01:01) ipset (pid: 17436) (username: root - uid: 0) - ", "");

const users: Record<number, string> = { 0: "root", 1000: "rafaeldtinoco", 1001: "someone" };
const userName = (uid: number) => users[uid];

test("a set is created", () => {
  const given = { event: { uid: 1000 }, record: { userName }, set: "test123", type: "hash:ip" };
  expect(format(given)).toBe(
    "(2021/03/19_01:01) ipset (pid: 17436) (username: rafaeldtinoco - uid: 1000) - CREATE test123 (type: hash:ip) - SUCCESS",
  );
});

test("a set cannot be created", () => {
  const outcome = failureWith(setExists);
  const event = { pid: 17437, uid: 1000 };
  expect(format({ event, set: "test123", type: "hash:ip", outcome, record: { userName } })).toBe(
    "(2021/03/19_01:01) ipset (pid: 17437) (username: rafaeldtinoco - uid: 1000) - CREATE test123 (type: hash:ip) - ERROR (Set cannot be created: set with the same name already exists)",
  );
});

test("who logged in is named, so that sudo does not hide them", () => {
  const who = (uid: number, loginUid: number) =>
    /username: .* - uid: \d+/.exec(format({ event: { uid, loginUid }, record: { userName } }))?.[0];
  expect(who(0, 1000)).toBe("username: rafaeldtinoco - uid: 1000");
  expect(who(1001, 0)).toBe("username: root - uid: 0");
  expect(who(1001, AUDIT_UID_UNSET)).toBe("username: someone - uid: 1001");
});

test("effective ids are shown where they are not the real ones", () => {
  const who = (event: Partial<MineEvent>) =>
    / (\(username: .*?\)) /.exec(format({ event, record: { userName } }))?.[1];
  const real = { uid: 1000, gid: 100 };
  expect(who({ ...real, effectiveUid: 0 })).toBe("(username: rafaeldtinoco - uid: 1000 - effective uid: 0)");
  expect(who({ ...real, effectiveGid: 0 })).toBe("(username: rafaeldtinoco - uid: 1000 - effective gid: 0)");
  expect(who({ uid: 0, gid: 0, loginUid: 1000, effectiveUid: 1001, effectiveGid: 5 })).toBe(
    "(username: rafaeldtinoco - uid: 1000 - effective uid: 1001 - effective gid: 5)",
  );
  expect(who({ uid: 0, gid: 0, loginUid: 1000 })).toBe("(username: rafaeldtinoco - uid: 1000)");
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
    { message: { command: "TEST" }, set: "test123", outcome: { status: "success", inSet: false } },
  ],
  [
    "CREATE a (type: hash:ip) -exist - SUCCESS",
    { message: { ignoresExisting: true }, set: "a", type: "hash:ip" },
  ],
  ["CREATE a (type: hash:ip) - SUCCESS", { message: { ignoresExisting: false }, set: "a", type: "hash:ip" }],
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
  expect(tail({ message: { command: "SWAP" }, set: "<->", second: "->" })).toBe(
    `SWAP "<->" <-> "->" - SUCCESS`,
  );
  expect(tail({ message: { command: "RENAME" }, set: "-", second: "-exist" })).toBe(
    `RENAME "-" -> "-exist" - SUCCESS`,
  );
  expect(tail({ set: "-a", type: "-b" })).toBe(`CREATE "-a" (type: "-b") - SUCCESS`);
  expect(tail({ message: { command: "FLUSH" }, set: "a," })).toBe(`FLUSH "a," - SUCCESS`);
  expect(tail({ message: { command: "FLUSH" }, set: "a-b,c-" })).toBe("FLUSH a-b,c- - SUCCESS");
});

test("neither can the name of a program or of a user", () => {
  const named = { event: { comm: Buffer.from("-sh") }, record: { userName: () => "-" } };
  expect(format({ ...named, set: "a", type: "b" })).toStartWith(
    `(2021/03/19_01:01) "-sh" (pid: 17436) (username: "-" - uid: 0) - CREATE`,
  );
  const comm = Buffer.from("a (pid: 1)\x1b");
  const record = { userName: () => "root - uid: 0) x" };
  expect(format({ event: { comm }, set: "a", type: "b", record })).toBe(
    String.raw`(2021/03/19_01:01) "a (pid: 1)\x1b" (pid: 17436) (username: "root - uid: 0) x" - uid: 0) - CREATE a (type: b) - SUCCESS`,
  );
});

test("a network namespace is shown where it is not that of mine", () => {
  const from = (netns: number, ownNetns: number | undefined) =>
    format({ event: { netns }, set: "a", type: "b", record: { ownNetns } }).replace(/^.* ipset /, "");
  const line = "(pid: 17436) (username: root - uid: 0) - CREATE a (type: b) - SUCCESS";
  expect(from(4026532281, 4026531840)).toBe(line.replace(" - CREATE", " (netns: 4026532281) - CREATE"));
  expect(from(4026531840, 4026531840)).toBe(line);
  expect(from(4026532281, undefined)).toBe(line);
});

test("a process of which only the number is known has no name", () => {
  const event = { isByReader: true, comm: new Uint8Array(), tid: 0 };
  expect(format({ event, message: { command: "LIST" } })).toBe(
    "(2021/03/19_01:01) <unknown> (pid: 17436) (username: root - uid: 0) - LIST <all sets> - SUCCESS",
  );
});

test("a user without a name is told from one who is called so", () => {
  const who = (name: string | undefined) =>
    /username: .* - uid: \d+/.exec(format({ record: { userName: () => name } }))?.[0];
  expect(who(undefined)).toBe("username: <unknown> - uid: 0");
  expect(who("<unknown>")).toBe(`username: "<unknown>" - uid: 0`);
});

describe("elements", () => {
  const element = (last: number, options: Element["options"] = []): Element => ({
    parts: [{ kind: "addresses", from: Buffer.from([10, 0, 0, last]), prefix: undefined, to: undefined }],
    options,
    lineNumber: last,
    unknown: [],
    malformed: undefined,
  });
  const add = (elements: Element[], given: Given = {}) =>
    tail({ set: "a", message: { command: "ADD", elements: elementsOf(elements) }, ...given });
  const some = (count: number) => Array.from({ length: count }, (_, index) => element(index + 1));

  test.each([
    [0, "ADD a - SUCCESS"],
    [1, "ADD a 10.0.0.1 - SUCCESS"],
    [2, "ADD a 10.0.0.1, 10.0.0.2 - SUCCESS"],
    [3, "ADD a 10.0.0.1, 10.0.0.2 (+1 more) - SUCCESS"],
    [166, "ADD a 10.0.0.1, 10.0.0.2 (+164 more) - SUCCESS"],
  ])("%d", (count, line) => {
    expect(add(some(count))).toBe(line);
  });

  test("have their options, a comment's bytes escaped", () => {
    const text = Buffer.from('x" - SUCCESS\n');
    const options: Element["options"] = [
      { name: "timeout", value: { kind: "number", number: 300 } },
      { name: "nomatch" },
      { name: "comment", value: { kind: "comment", text } },
    ];
    expect(add([element(1, options)])).toBe(
      String.raw`ADD a 10.0.0.1 timeout 300 nomatch comment "x\" - SUCCESS\n" - SUCCESS`,
    );
  });

  test("are names of sets, which cannot pass for another part of the line", () => {
    const members = (...names: string[]) =>
      names.map((name): Element => ({ ...element(1), parts: [{ kind: "set", name: Buffer.from(name) }] }));
    const set = "-";
    expect(add(members("SUCCESS"), { set })).toBe('ADD "-" SUCCESS - SUCCESS');
    expect(add(members("-", "-exist"))).toBe('ADD a "-", "-exist" - SUCCESS');
    expect(add(members("", "a,"))).toBe('ADD a "", "a," - SUCCESS');
    const reference = { kind: "set", name: Buffer.from("-") } as const;
    expect(add([{ ...element(1), options: [{ name: "before", value: reference }] }])).toBe(
      'ADD a 10.0.0.1 before "-" - SUCCESS',
    );
  });

  test("come before -exist", () => {
    const message = { command: "DEL", elements: elementsOf(some(3)), ignoresExisting: true } as const;
    expect(tail({ set: "a", message })).toBe("DEL a 10.0.0.1, 10.0.0.2 (+1 more) -exist - SUCCESS");
  });

  const outcome = failureWith("Element cannot be added to the set: it's already added");

  test("of several, the one at fault is named, even if it is not shown otherwise", () => {
    expect(add(some(4), { outcome, record: { failedElement: 3, appliedCount: 3 } })).toBe(
      "ADD a 10.0.0.1, 10.0.0.2 (+2 more) - ERROR (10.0.0.4: Element cannot be added to the set: it's already added; 3 elements took effect)",
    );
    expect(add(some(2), { outcome, record: { failedElement: 0, appliedCount: 0 } })).toBe(
      "ADD a 10.0.0.1, 10.0.0.2 - ERROR (10.0.0.1: Element cannot be added to the set: it's already added; 0 elements took effect)",
    );
  });

  const failed = failureWith("X");

  test("of several, it is told how many took effect, or that this is not known", () => {
    const applied = (count: number, failedElement: number | undefined, appliedCount: number | undefined) =>
      /ERROR \((.*)\)$/.exec(
        add(some(count), { outcome: failed, record: { failedElement, appliedCount } }),
      )?.[1];
    expect(applied(4, 0, 0)).toBe("10.0.0.1: X; 0 elements took effect");
    expect(applied(4, 1, 1)).toBe("10.0.0.2: X; 1 element took effect");
    expect(applied(4, 3, 3)).toBe("10.0.0.4: X; 3 elements took effect");
    expect(applied(4, undefined, undefined)).toBe("X; elements before the failed one may have taken effect");
    // The error alone says so.
    expect(applied(4, undefined, 0)).toBe("X");
    expect(applied(1, 0, 0)).toBe("X");
    expect(applied(1, undefined, 0)).toBe("X");
  });

  test("of a test, an element takes no effect", () => {
    const message = { command: "TEST", elements: elementsOf(some(1)) } as const;
    expect(tail({ set: "a", message, outcome: failed })).toBe("TEST a 10.0.0.1 - ERROR (X)");
  });

  test("of one alone there is no question", () => {
    expect(add(some(1), { outcome, record: { failedElement: 0, appliedCount: 0 } })).toBe(
      "ADD a 10.0.0.1 - ERROR (Element cannot be added to the set: it's already added)",
    );
  });
});

test("a malformed message is told, with its bytes", () => {
  const message = { command: "DESTROY", malformed: "2 stray bytes at the end" } as const;
  const event = { message: new Uint8Array([0xff, 0x0a]), messageLen: 2 };
  expect(tail({ event, message, set: "a" })).toBe(
    "DESTROY a <malformed: 2 stray bytes at the end: ff0a> - SUCCESS",
  );
});

test("a truncated message has both lengths, and missing parts are not guessed", () => {
  const event = { message: new Uint8Array(16384), messageLen: 20000 };
  const cut = "<truncated: 16384 of 20000 bytes> - SUCCESS";
  expect(tail({ event, message: { command: "ADD" }, set: "a" })).toBe(`ADD a ${cut}`);
  expect(tail({ event, message: { command: "DESTROY" } })).toBe(`DESTROY <cut off> ${cut}`);
  expect(tail({ event, message: { command: "SWAP" }, set: "a" })).toBe(`SWAP a <-> <cut off> ${cut}`);
  expect(tail({ event, set: "a" })).toBe(`CREATE a (type: <cut off>) ${cut}`);
  expect(tail({ event, message: { command: "GET_BYINDEX" } })).toBe(`GET_BYINDEX <cut off> ${cut}`);
});

test("times are of this host, every part with all its digits", () => {
  const time = (date: Date) => format({ record: { timeNs: ns(date) + 999_999n } }).slice(0, 18);
  expect(time(new Date(2021, 2, 19, 1, 1, 59, 999))).toBe("(2021/03/19_01:01)");
  expect(time(new Date(1999, 11, 31, 23, 59, 59, 999))).toBe("(1999/12/31_23:59)");
});

test("the ancestors follow the caller, the parent first", () => {
  const ancestors = [
    { pid: 78, startNs: 0n, comm: Buffer.from("sh") },
    { pid: 77, startNs: 0n, comm: Buffer.from('a] < "init') },
    { pid: 5, startNs: 0n, comm: new Uint8Array() },
    { pid: 1, startNs: 0n, comm: Buffer.from("systemd") },
  ];
  const line = format({ event: { ancestors }, set: "a", type: "b" });
  expect(line).toContain(
    ' (username: root - uid: 0) by sh[78] < "a] < \\"init"[77] < <unknown>[5] < systemd[1] - CREATE a ',
  );
});
