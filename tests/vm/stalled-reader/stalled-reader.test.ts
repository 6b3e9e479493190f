// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Nobody reads stdout, for a while or for good: mine hears Ctrl-C all the same, and every event is written or
// counted.
import { beforeAll, expect, test } from "bun:test";
import { readSummary } from "../../support/stderr.ts";
import { runSession, type Session } from "../session.ts";

const SENT = 600;
let session: Session;

beforeAll(async () => {
  session = await runSession("stalled-reader/guest.sh", { suite: "bookworm", series: "6.1" });
}, 300_000);

const summary = (name: string) => readSummary(session.text(`${name}.stderr`));

test("the session ran to its end", () => {
  expect(`${session.exitCode} ${session.text("stdout")}`).toBe("0 ");
});

test("with a reader that never reads, a signal ends it soon, and it counts the unwritten lines", () => {
  const [from = 0, to = 0] = session.text("never.seconds").split(" ").map(Number);
  expect(to - from).toBeLessThan(20); // a second of patience, by the clock of a slow machine
  expect(session.text("never.exit")).toBe("0");
  const { seen, lost, causes } = summary("never");
  expect(causes).toEqual({ unwritten: lost });
  expect(seen + lost).toBe(SENT);
  expect(lost).toBeGreaterThan(0);
});

test("with one that reads later, everything is written", () => {
  const lines = session.text("late.stdout").split("\n");
  expect(
    lines.filter((line) => / - ADD (left|right) \S+ comment "(\\x01){200}" - SUCCESS$/.test(line)),
  ).toHaveLength(SENT);
  expect(lines.at(-1)).toContain("ADD control 10.0.0.1 - SUCCESS");
  expect(summary("late")).toMatchObject({ seen: SENT + 1, lost: 0 });
});
