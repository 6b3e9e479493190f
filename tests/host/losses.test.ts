// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks that mine sees or counts as lost every sent command, and provokes each loss that this host allows.
// tests/vm/losses/losses.test.ts checks filtered commands, because only there no other program uses ipset.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  asDeniedSender,
  asSender,
  SENDER_UID,
  type Sent,
  send,
  sized,
  soakTimeoutMs,
} from "../support/accounts.ts";
import { canTraceHere, type RunOptions } from "../support/host.ts";
import { SendingHost } from "../support/sending-host.ts";
import { readDenied, readSummary, readWarnings } from "../support/stderr.ts";

const isHere = canTraceHere("losses.test.ts");

const COUNT = String(sized(20_000, 500_000));

let host: SendingHost;
beforeAll(() => {
  host = new SendingHost();
});
afterAll(() => host[Symbol.dispose]());

interface Account {
  seen: number;
  full: number;
  unread: number;
  stderr: string;
}

/** Runs mine while `meanwhile` sends. Expects equal counts from mine and from the sender. */
async function account(
  args: string[],
  meanwhile: (pid: number, flood: () => Promise<Sent>) => Promise<Sent>,
  options: RunOptions = {},
): Promise<Account> {
  let sent: Sent | undefined;
  const flood = () => host.flood(COUNT);
  const { exitCode, stdout, stderr } = await host.run(
    ["--uid", SENDER_UID, ...args],
    options,
    async (pid) => {
      sent = await meanwhile(pid, flood);
    },
  );
  expect(exitCode).toBe(0);
  if (!sent) throw new Error(`nothing was sent: ${stderr}`);
  const summary = readSummary(stderr);
  // mine counts other causes before it knows the sender. Those commands may belong to another program.
  const { full = 0, unwritten: unread = 0 } = summary.causes;
  const { seen } = summary;
  expect({ ...sent, handled: seen + full + unread }).toEqual({ ...sent, unanswered: 0 });
  expect(lines(stdout)).toBe(seen);
  return { seen, full, unread, stderr };
}

test.skipIf(!isHere)(
  "counts denied commands that it does not show, and does not count them as lost",
  async () => {
    let sent: Sent | undefined;
    const run = await host.run(["--uid", SENDER_UID], {}, async () => {
      sent = await send(...asDeniedSender, host.sender, "flood", COUNT);
      await Bun.sleep(3000); // lets a warning appear
    });
    const { seen, denied, causes } = readSummary(run.stderr);
    expect(seen + denied + (causes.full ?? 0)).toBe(sent?.handled ?? 0);
    expect(sent).toMatchObject({ handled: sent?.failed, unanswered: 0 });
    expect(denied).toBeGreaterThan(0);
    expect(Math.max(...readWarnings(run.stderr).map(readDenied))).toBeGreaterThan(0);
  },
  soakTimeoutMs,
);

/** Returns the number of whole lines about commands. */
const lines = (text: string): number =>
  text
    .split("\n")
    .slice(0, -1)
    .filter((line) => !line.includes('"action":"mine-')).length;
const buffers: [what: string, env: Record<string, string>][] = [
  ["ring buffer", {}],
  ["perf buffer", { MINE_ASSUME_KERNEL: "4.15" }],
];

describe.skipIf(!isHere).each(buffers)("%s", (_, env) => {
  test(
    "sees or counts each command of a flood",
    async () => {
      expect(await account([], (_, flood) => flood(), { env })).toMatchObject({ unread: 0 });
    },
    soakTimeoutMs,
  );

  test(
    "sees or counts each command of a flood on the only processor of mine",
    async () => {
      const alone = ["taskset", "--cpu-list", "0"];
      const flood = () => send(...alone, ...asSender, host.sender, "flood", COUNT);
      const options = { env, cwd: host.directoryWithBinary(), through: [...alone, "./mine"] };
      const args = ["--output", "json", "--buffer", "1M"];
      expect(await account(args, flood, options)).toMatchObject({ unread: 0 });
    },
    soakTimeoutMs,
  );

  test(
    "counts a lost event when the buffer is full, even without a later event",
    async () => {
      const stopped = async (pid: number, flood: () => Promise<Sent>) => {
        process.kill(pid, "SIGSTOP");
        const sent = await flood();
        process.kill(pid, "SIGCONT");
        await Bun.sleep(3000); // a warning appears once a second, and later on a busy machine
        return sent;
      };
      const { full, stderr } = await account(["--buffer", "64K"], stopped, { env });
      expect(full).toBeGreaterThan(Number(COUNT) / 2);
      const counts = readWarnings(stderr).flatMap((warning) => warning.match(/\d+/g) ?? []);
      expect(counts).toContain(String(full));
    },
    soakTimeoutMs,
  );

  test(
    "sees or counts each command while mine is stopped and continued",
    async () => {
      await account(
        ["--buffer", "1M"],
        async (pid, flood) => {
          let isOver = false;
          const sending = flood().finally(() => {
            isOver = true;
          });
          while (!isOver) {
            process.kill(pid, "SIGSTOP");
            await Bun.sleep(30);
            process.kill(pid, "SIGCONT");
            await Bun.sleep(10);
          }
          return await sending;
        },
        { env },
      );
    },
    soakTimeoutMs,
  );

  describe("sees or counts each command when the reader of stdout is stopped", () => {
    /** Command that pipes stdout into a reader. The reader writes its pid to a file and copies its input. */
    const through = ["bash", "-c", 'exec ./mine "$@" > >(echo $BASHPID >reader; exec cat)', "mine"];

    test.each([
      ["until mine has exited", []],
      ["and continued before the end", ["SIGCONT"] as const],
    ])(
      "%s",
      async (_, after) => {
        const cwd = host.directoryWithBinary();
        let reader = 0;
        const stopped = async (pid: number, flood: () => Promise<Sent>) => {
          reader = await readPid(join(cwd, "reader"));
          process.kill(reader, "SIGSTOP");
          const sent = await flood();
          for (const signal of after) process.kill(reader, signal);
          if (after.length === 0) void continueAfter(pid, reader);
          return sent;
        };
        const options = { env, through, cwd };
        const { full, unread } = await account(["--buffer", "256K"], stopped, options);
        expect(full).toBeGreaterThan(0);
        if (after.length > 0) expect(unread).toBe(0);
        else expect(unread).toBeGreaterThan(0);
      },
      soakTimeoutMs,
    );
  });
});

/** Waits until the file has a whole line. Returns the pid in it. */
async function readPid(path: string): Promise<number> {
  for (;;) {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    if (text.endsWith("\n")) return Number(text);
    await Bun.sleep(10);
  }
}

/** Continues the reader after mine has exited. */
async function continueAfter(mine: number, reader: number): Promise<void> {
  for (let isThere = true; isThere; ) {
    await Bun.sleep(50);
    isThere = !/^State:\tZ/m.test(readStatus(mine));
  }
  process.kill(reader, "SIGCONT");
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "State:\tZ";
  }
}
