// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// No process reads stdout, for a while or for good: Ctrl-C still ends mine, and every event is written or counted.
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

test("with a reader that never reads, a signal ends mine soon, and unwritten events are counted", () => {
  const [from = 0, to = 0] = session.text("never.seconds").split(" ").map(Number);
  expect(to - from).toBeLessThan(20); // mine waits one second, by the clock of a slow machine
  expect(session.text("never.exit")).toBe("0");
  const { seen, lost, causes } = summary("never");
  expect(causes).toEqual({ unwritten: lost });
  expect(seen + lost).toBe(SENT);
  expect(lost).toBeGreaterThan(0);
});

test("with a reader that reads later, every event is written", () => {
  const lines = session.text("late.stdout").split("\n");
  expect(
    lines.filter((line) => / - ADD (left|right) \S+ comment "(\\x01){200}" - SUCCESS$/.test(line)),
  ).toHaveLength(SENT);
  expect(lines.at(-1)).toContain("ADD control 10.0.0.1 - SUCCESS");
  expect(summary("late")).toMatchObject({ seen: SENT + 1, lost: 0 });
});
