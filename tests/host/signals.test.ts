// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The effects of signals on a mine that traces: which end it with its account, which asks for the account,
// which is nothing to it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { asSender, compileSender, readSent, SENDER_UID, send } from "../support/accounts.ts";
import { canTraceHere, Host, isAlive } from "../support/host.ts";
import { readSummaries, readSummary } from "../support/stderr.ts";

const isHere = canTraceHere("signals.test.ts");

let host: Host;
let sender: string;
beforeAll(() => {
  host = new Host();
  sender = compileSender(host.dir);
});
afterAll(() => host[Symbol.dispose]());

const flood = (count: number) => send(...asSender, sender, "flood", String(count));
const nothing = readSent("handled 0 failed 0 unanswered 0");
const args = ["--uid", SENDER_UID];

describe.skipIf(!isHere)("it ends with its account", () => {
  test.each(["SIGTERM", "SIGHUP", "SIGUSR2", "SIGALRM", "SIGXCPU"] as const)("by %s", async (signal) => {
    let sent = nothing;
    const { exitCode, stderr } = await host.run(args, {}, async (pid) => {
      sent = await flood(20);
      process.kill(pid, signal);
      await Bun.sleep(500); // before the SIGINT that ends a run
    });
    expect(exitCode).toBe(0);
    expect(readSummary(stderr)).toMatchObject({ seen: sent.handled, lost: 0 });
  });

  test("when it has used up the processor time it was given", async () => {
    const through = ["bash", "-c", 'ulimit -S -t 1; exec ./mine "$@"', "mine"];
    const { exitCode, stderr } = await host.run(args, { through }, async (pid) => {
      for (let wave = 0; wave < 40 && isAlive(pid); wave++) await flood(10_000);
    });
    expect(exitCode).toBe(0);
    expect(readSummary(stderr).seen).toBeGreaterThan(0);
  });
});

describe.skipIf(!isHere)("SIGHUP that was ignored at the start", () => {
  test.each([
    ["by nohup", 'exec nohup ./mine "$@"'],
    ["by a shell", `trap "" HUP; exec ./mine "$@"`],
  ])("%s stays ignored", async (_, line) => {
    let sent = nothing;
    const through = ["bash", "-c", line, "mine"];
    const { exitCode, stderr } = await host.run(args, { through }, async (pid) => {
      process.kill(pid, "SIGHUP");
      await Bun.sleep(300);
      sent = await flood(20);
      await Bun.sleep(300);
    });
    expect(exitCode).toBe(0);
    expect(readSummary(stderr)).toMatchObject({ seen: sent.handled, lost: 0 });
  });
});

describe.skipIf(!isHere)("SIGUSR1 asks for the account", () => {
  test("and it goes on", async () => {
    let sent = 0;
    const { exitCode, stderr } = await host.run(args, {}, async (pid) => {
      for (let wave = 0; wave < 3; wave++) {
        sent += (await flood(20)).handled;
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

  test("during a flood: nothing is lost by that, and nothing is taken for lost that is on its way", async () => {
    let sent = nothing;
    const { stderr } = await host.run(args, {}, async (pid) => {
      const asking = setInterval(() => process.kill(pid, "SIGUSR1"), 20);
      sent = await flood(50_000);
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
