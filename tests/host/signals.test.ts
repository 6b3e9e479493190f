// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Sends signals to mine while it traces. Some end it with a summary, SIGUSR1 requests a summary, and an ignored SIGHUP
// has no effect.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readSent, SENDER_UID } from "../support/accounts.ts";
import { canTraceHere, isAlive } from "../support/host.ts";
import { SendingHost } from "../support/sending-host.ts";
import { readSummaries, readSummary } from "../support/stderr.ts";

const isHere = canTraceHere("signals.test.ts");

let host: SendingHost;
beforeAll(() => {
  host = new SendingHost();
});
afterAll(() => host[Symbol.dispose]());

const nothing = readSent("handled 0 failed 0 unanswered 0");
const args = ["--uid", SENDER_UID];

describe.skipIf(!isHere)("mine ends with a summary", () => {
  test.each(["SIGTERM", "SIGHUP", "SIGUSR2", "SIGALRM", "SIGXCPU"] as const)("by %s", async (signal) => {
    let sent = nothing;
    const { exitCode, stderr } = await host.run(args, {}, async (pid) => {
      sent = await host.flood(20);
      process.kill(pid, signal);
      await Bun.sleep(500); // delays the SIGINT that ends a run
    });
    expect(exitCode).toBe(0);
    expect(readSummary(stderr)).toMatchObject({ seen: sent.handled, lost: 0 });
  });

  test("at its limit of processor time", async () => {
    const through = ["bash", "-c", 'ulimit -S -t 1; exec ./mine "$@"', "mine"];
    const { exitCode, stderr } = await host.run(args, { through }, async (pid) => {
      for (let wave = 0; wave < 40 && isAlive(pid); wave++) await host.flood(10_000);
    });
    expect(exitCode).toBe(0);
    expect(readSummary(stderr).seen).toBeGreaterThan(0);
  });
});

describe.skipIf(!isHere)("an inherited ignored SIGHUP", () => {
  test.each([
    ["by nohup", 'exec nohup ./mine "$@"'],
    ["by a shell", `trap "" HUP; exec ./mine "$@"`],
  ])("set %s stays ignored", async (_, line) => {
    let sent = nothing;
    const through = ["bash", "-c", line, "mine"];
    const { exitCode, stderr } = await host.run(args, { through }, async (pid) => {
      process.kill(pid, "SIGHUP");
      await Bun.sleep(300);
      sent = await host.flood(20);
      await Bun.sleep(300);
    });
    expect(exitCode).toBe(0);
    expect(readSummary(stderr)).toMatchObject({ seen: sent.handled, lost: 0 });
  });
});

describe.skipIf(!isHere)("SIGUSR1 requests a summary", () => {
  test("and mine keeps tracing", async () => {
    let sent = 0;
    const { exitCode, stderr } = await host.run(args, {}, async (pid) => {
      for (let wave = 0; wave < 3; wave++) {
        sent += (await host.flood(20)).handled;
        await Bun.sleep(200);
        process.kill(pid, "SIGUSR1");
        await Bun.sleep(200);
      }
    });
    expect(exitCode).toBe(0);
    const accounts = readSummaries(stderr);
    const seen = accounts.map((account) => account.seen);
    expect(seen).toHaveLength(4);
    expect(seen).toEqual(seen.toSorted((one, other) => one - other));
    expect(seen.at(-1)).toBe(sent);
    expect(accounts.map(({ lost }) => lost)).toEqual([0, 0, 0, 0]);
  });

  test("during a flood, without losses, and without counting pending events as lost", async () => {
    let sent = nothing;
    const { stderr } = await host.run(args, {}, async (pid) => {
      const asking = setInterval(() => process.kill(pid, "SIGUSR1"), 20);
      sent = await host.flood(50_000);
      clearInterval(asking);
    });
    const accounts = readSummaries(stderr);
    const last = accounts.at(-1);
    expect(accounts.length).toBeGreaterThan(2);
    expect((last?.seen ?? 0) + (last?.lost ?? 0)).toBe(sent.handled);
    for (const count of ["seen", "lost"] as const) {
      const counts = accounts.map((account) => account[count]);
      expect(counts).toEqual(counts.toSorted((one, other) => one - other));
    }
  });
});
