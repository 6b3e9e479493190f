// Nobody reads stdout, for a while or for good: mine hears Ctrl-C all the same, and every event is written or counted.
import { beforeAll, expect, test } from "bun:test";
import { runSession, type Session } from "./session.ts";

const SENT = 600;
let session: Session;

beforeAll(async () => {
  session = await runSession("stalled-reader.sh", { suite: "bookworm", series: "6.1" });
}, 300_000);

const summary = (name: string) => {
  const [, seen, lost, causes] =
    /^(\d+) events seen, (\d+)(?: \((.*)\))? lost/m.exec(session.text(`${name}.stderr`)) ?? [];
  return { seen: Number(seen), lost: Number(lost), causes };
};

test("the session ran to its end", () => {
  expect(`${session.exitCode} ${session.text("stdout")}`).toBe("0 ");
});

test("with a reader that never reads, a signal ends it soon, and what was not written is counted", () => {
  const [from = 0, to = 0] = session.text("never.seconds").split(" ").map(Number);
  expect(to - from).toBeLessThan(20); // a second of patience, by the clock of a slow machine
  expect(session.text("never.exit")).toBe("0");
  const { seen, lost, causes } = summary("never");
  expect(causes).toBe(`not written to stdout: ${lost}`);
  expect(seen + lost).toBe(SENT);
  expect(lost).toBeGreaterThan(0);
});

test("with one that reads later, everything is written", () => {
  const lines = session.text("late.stdout").split("\n");
  expect(
    lines.filter((line) => / - ADD (left|right) \S+ comment "(\\x01){200}" - SUCCESS$/.test(line)),
  ).toHaveLength(SENT);
  expect(lines.at(-1)).toContain("ADD control 10.0.0.1 - SUCCESS");
  expect(summary("late")).toEqual({ seen: SENT + 1, lost: 0, causes: undefined });
});
