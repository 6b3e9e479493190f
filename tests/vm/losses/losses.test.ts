// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Every backend sees, loses or filters each sent command, and counts it. The test provokes each way to lose one.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileSender, readSent, sized, soakTimeoutMs } from "../../support/accounts.ts";
import { readSummary } from "../../support/stderr.ts";
import { runSession, type Session } from "../session.ts";

/** More threads than the return probes of src/kernel/tracefs.ts can follow. */
const THREADS = 600;
/** A flood begins with the creation of its sets, and one in five commands fails. */
const FLOOD = { count: sized(1500, 50_000), sets: 4 };
/** tests/host/losses.test.ts tests the tracepoint backend in the same way. */
const backends = ["fexit", "kprobe", "kprobe-perf"];

let session: Session;
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "mine-losses-"));
  const env = {
    BACKENDS: backends.join(),
    FLOOD: FLOOD.count,
    THREADS,
  };
  session = await runSession(
    "losses/guest.sh",
    { suite: "trixie", series: "6.12" },
    {
      files: { "/usr/local/bin/sender": compileSender(dir) },
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])),
      machine: { timeoutSeconds: sized(300, 3600), memoryMb: 1024 },
    },
  );
}, soakTimeoutMs * 4);
afterAll(() => rmSync(dir, { recursive: true }));

const sent = (what: string) => readSent(session.text(`${what}.sent`));
const summary = (name: string) => readSummary(session.text(`${name}.stderr`));
const linesOf = (name: string) => session.text(`${name}.stdout`).split("\n").filter(Boolean);

test("the session ran to its end", () => {
  expect(`${session.exitCode} ${session.text("stderr")}`).toBe("0 ");
  expect(sent("flood")).toEqual({
    handled: FLOOD.count + FLOOD.sets,
    failed: FLOOD.count / 5,
    unanswered: 0,
  });
});

test.each(backends)("%s: counts events without buffer space, also when no event follows", (backend) => {
  const { seen, lost, causes, filtered } = summary(`small.${backend}`);
  expect([seen + lost, filtered]).toEqual([sent("flood").handled, 0]);
  expect(causes).toEqual({ full: lost });
  expect(lost).toBeGreaterThan(0);
  expect(linesOf(`small.${backend}`)).toHaveLength(seen);
});

describe("a filtered command is counted, and not as lost", () => {
  const { count, sets } = FLOOD;
  const handled = count + sets;
  test.each([
    ["set", handled / sets, handled - handled / sets],
    ["failed", count / 5, handled - count / 5],
    ["uid", 0, handled],
    ["command", count / 5, 0], // handlers of other commands are not probed
  ])("--%s", (name, seen, filtered) => {
    expect(summary(name)).toMatchObject({ seen, filtered, lost: 0 });
    expect(linesOf(name)).toHaveLength(seen);
  });
});

test("reports threads beyond the kernel's return probes when the kernel answers them", () => {
  const { seen, lost } = summary("missing");
  expect(sent("missing")).toEqual({ handled: THREADS, failed: THREADS, unanswered: 0 });
  expect([seen, lost]).toEqual([THREADS, 0]);
  const lines = linesOf("missing");
  expect(lines).toHaveLength(THREADS);
  expect(
    new Set(lines.map((line) => line.replace(/^.* - CREATE missing/, "CREATE missing"))).size,
  ).toBeGreaterThan(1);
  for (const line of lines) expect(line).toContain("Kernel error received: set type not supported");
});
