// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Random messages: every backend accounts for each one that the kernel takes as an ipset command, and prints it without
// harm. Each backend has its own machine, so that two million messages end within an hour.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileSender, readSent, sized, soakTimeoutMs } from "../../support/accounts.ts";
import { parseEvent } from "../../support/schema.ts";
import { readSummary } from "../../support/stderr.ts";
import { runSession, type Session } from "../session.ts";

const SEED = 20_260_714;
const COUNT = sized(600, 2_000_000);
const KEEP = sized(1, 200);
/** tests/host/losses.test.ts tests the tracepoint backend in the same way. */
const backends = ["fexit", "kprobe", "kprobe-perf"];

const sessions = new Map<string, Session>();
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "mine-random-"));
  const files = { "/usr/local/bin/sender": compileSender(dir) };
  const machine = { timeoutSeconds: sized(300, 3 * 3600), memoryMb: 1024 };
  const run = async (backend: string) => {
    const env = { BACKEND: backend, COUNT: String(COUNT), SEED: String(SEED), KEEP: String(KEEP) };
    const kernel = { suite: "trixie", series: "6.12" };
    sessions.set(backend, await runSession("random-messages/guest.sh", kernel, { files, env, machine }));
  };
  await Promise.all(backends.map(run));
}, soakTimeoutMs * 4);
afterAll(() => rmSync(dir, { recursive: true }));

test.each(backends)(`accounts for each of ${COUNT} messages, seed ${SEED}: %s`, (backend) => {
  const session = sessions.get(backend);
  expect(`${session?.exitCode} ${session?.text("stderr")}`).toBe("0 ");
  const text = (name: string) => session?.text(name) ?? "";
  const { handled, unanswered } = readSent(text("sent"));
  const stderr = text("mine.stderr");
  console.error(stderr.split("\n").at(-1));
  const { seen, lost, filtered, truncated } = readSummary(stderr);
  expect([seen + lost, filtered, unanswered]).toEqual([handled, 0, 0]);
  expect(seen).toBeGreaterThan(0);
  expect(truncated).toBeGreaterThan(0);
  const lines = text("mine.stdout").split("\n").filter(Boolean);
  expect(lines).toHaveLength(Math.floor(seen / KEEP));
  for (const line of lines) parseEvent(line);
});
