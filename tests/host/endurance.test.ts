// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Sends a day's worth of events in minutes, and random messages. mine keeps running, every line is valid, its memory
// does not grow, and the counts agree. make test runs a short form, make soak the full one.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readText } from "../../src/host/sysfs.ts";
import { asSender, SENDER_UID, type Sent, send, sized, soakTimeoutMs } from "../support/accounts.ts";
import { root } from "../support/compile.ts";
import { canTraceHere } from "../support/host.ts";
import { SendingHost } from "../support/sending-host.ts";
import { readSummary } from "../support/stderr.ts";

const isHere = canTraceHere("endurance.test.ts");

const EVENTS = sized(400_000, 2_000_000);
const MESSAGES = sized(20_000, 2_000_000);
const SEED = 20_261_122;
const GROWTH_KB = 8 * 1024;
const SAMPLE_MS = sized(10, 1000);

let host: SendingHost;
beforeAll(() => {
  host = new SendingHost();
});
afterAll(() => host[Symbol.dispose]());

interface Endured {
  /** Samples of resident memory during the run, in KiB. */
  memory: number[];
  stderr: string;
}

/** Runs mine during a flood. Expects equal counts from mine, from the reader of its lines, and from the sender. */
async function endure(format: "json" | "text", args: string[], ...what: string[]): Promise<Endured> {
  const reader = `${process.execPath} ${join(root, "tests/support/check-lines.ts")} ${format}`;
  const through = ["bash", "-c", `exec ./mine "$@" > >(${reader})`, "mine"];
  const memory: number[] = [];
  let sent: Sent | undefined;
  const { exitCode, stdout, stderr } = await host.run(
    ["--uid", SENDER_UID, "-o", format, ...args],
    { through },
    async (pid) => {
      const sampling = setInterval(() => memory.push(residentKb(pid)), SAMPLE_MS);
      sent = await send(...asSender, host.sender, ...what);
      clearInterval(sampling);
    },
  );
  const { seen, causes } = readSummary(stderr);
  // mine counts other causes before it knows the sender. Those commands may belong to another program.
  const { full = 0 } = causes;
  expect(exitCode).toBe(0);
  expect(sent).toMatchObject({ handled: seen + full, unanswered: 0 });
  expect(stdout).toBe(`${seen}\n`);
  return { memory, stderr };
}

const residentKb = (pid: number): number =>
  Number(/^VmRSS:\s*(\d+) kB$/m.exec(readText(`/proc/${pid}/status`) ?? "")?.[1]);

describe.skipIf(!isHere)("endurance", () => {
  test.each(["json", "text"] as const)(
    `memory is flat while ${EVENTS} events are written as %s`,
    async (format) => {
      const { memory } = await endure(format, [], "flood", String(EVENTS));
      const quarter = Math.floor(memory.length / 4);
      const most = (from: number, to: number) => Math.max(...memory.slice(from, to));
      expect(quarter).toBeGreaterThan(2);
      const [before, after] = [most(quarter, 2 * quarter), most(3 * quarter, memory.length)];
      console.error(`resident: ${before} kB in the second quarter, ${after} kB in the last`);
      expect(after - before).toBeLessThan(GROWTH_KB);
    },
    soakTimeoutMs,
  );

  test.each(["json", "text"] as const)(
    `every line is valid for ${MESSAGES} random messages as %s, seed ${SEED}`,
    async (format) => {
      const { stderr } = await endure(format, ["--all"], "random", String(MESSAGES), String(SEED));
      console.error(stderr.split("\n").at(-2));
    },
    soakTimeoutMs,
  );
});
