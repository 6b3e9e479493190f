// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Names of users come from the C library. One that is not there must not become an error.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { UserNames } from "../../src/host/user-names.ts";

test("every user of /etc/passwd has the name that it says there", () => {
  const users = new UserNames();
  const names = new Map<number, string>();
  for (const line of readFileSync("/etc/passwd", "utf8").trim().split("\n")) {
    const [name = "", , uid] = line.split(":");
    if (!names.has(Number(uid))) names.set(Number(uid), name); // the first counts, to getpwuid() too
  }
  expect(names.get(0)).toBe("root");
  for (const [uid, name] of names) expect([uid, users.of(uid)]).toEqual([uid, name]);
});

test("a user that nobody knows has no name, however often one asks", () => {
  const users = new UserNames();
  for (const uid of [4_000_000_017, 4_000_000_017, 0xffffffff]) expect(users.of(uid)).toBeUndefined();
  expect(users.of(0)).toBe("root");
});
