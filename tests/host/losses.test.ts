// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Each command that was sent is seen or counted as lost, by the backends of this host. and each way to lose
// events that can be had here is provoked. Filtered commands are counted where no other program uses ipset:
// tests/vm/losses/losses.test.ts.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  asDeniedSender,
  asSender,
  compileSender,
  SENDER_UID,
  type Sent,
  send,
  sized,
  soakTimeoutMs,
} from "../support/accounts.ts";
import { canTraceHere, Host, type RunOptions } from "../support/host.ts";
import { readDenied, readSummary, readWarnings } from "../support/stderr.ts";

const isHere = canTraceHere("losses.test.ts");

const COUNT = String(sized(20_000, 500_000));

let host: Host;
let sender: string;
beforeAll(() => {
  host = new Host();
  sender = compileSender(host.dir);
});
afterAll(() => host[Symbol.dispose]());

interface Account {
  seen: number;
  full: number;
  unread: number;
  stderr: string;
}

/** Runs mine while `meanwhile` sends, and holds the two counts against each other. */
async function account(
  args: string[],
  meanwhile: (pid: number, flood: () => Promise<Sent>) => Promise<Sent>,
  options: RunOptions = {},
): Promise<Account> {
  let sent: Sent | undefined;
  const flood = () => send(...asSender, sender, "flood", COUNT);
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
  // Other causes are counted before it is known whose command it was: they may be another's.
  const { full = 0, unwritten: unread = 0 } = summary.causes;
  const { seen } = summary;
  expect({ ...sent, handled: seen + full + unread }).toEqual({ ...sent, unanswered: 0 });
  expect(lines(stdout)).toBe(seen);
  return { seen, full, unread, stderr };
}

test.skipIf(!isHere)(
  "counts the denied commands of a flood that it does not show, and loses none",
  async () => {
    let sent: Sent | undefined;
    const run = await host.run(["--uid", SENDER_UID], {}, async () => {
      sent = await send(...asDeniedSender, sender, "flood", COUNT);
      await Bun.sleep(3000); // for a warning
    });
    const { seen, denied, causes } = readSummary(run.stderr);
    expect(seen + denied + (causes.full ?? 0)).toBe(sent?.handled ?? 0);
    expect(sent).toMatchObject({ handled: sent?.failed, unanswered: 0 });
    expect(denied).toBeGreaterThan(0);
    expect(Math.max(...readWarnings(run.stderr).map(readDenied))).toBeGreaterThan(0);
  },
  soakTimeoutMs,
);

const lines = (text: string): number => text.split("\n").length - 1;
const buffers: [what: string, env: Record<string, string>][] = [
  ["ring buffer", {}],
  ["perf buffer", { MINE_ASSUME_KERNEL: "4.15" }],
];

describe.skipIf(!isHere).each(buffers)("%s", (_, env) => {
  test(
    "of a flood each command is seen or counted",
    async () => {
      expect(await account([], (_, flood) => flood(), { env })).toMatchObject({ unread: 0 });
    },
    soakTimeoutMs,
  );

  test(
    "of a flood on the one processor that mine has, too",
    async () => {
      const alone = ["taskset", "--cpu-list", "0"];
      const flood = () => send(...alone, ...asSender, sender, "flood", COUNT);
      const options = { env, cwd: host.directoryWithBinary(), through: [...alone, "./mine"] };
      const args = ["--output", "json", "--buffer", "1M"];
      expect(await account(args, flood, options)).toMatchObject({ unread: 0 });
    },
    soakTimeoutMs,
  );

  test(
    "what finds no room is counted, also when nothing comes after it",
    async () => {
      const stopped = async (pid: number, flood: () => Promise<Sent>) => {
        process.kill(pid, "SIGSTOP");
        const sent = await flood();
        process.kill(pid, "SIGCONT");
        await Bun.sleep(3000); // for a warning, which comes once a second, and later on a busy machine
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
    "mine may be stopped and continued while commands come",
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

  describe("a reader of stdout that is stopped", () => {
    /** The reader copies what it reads, and its pid is in a file. */
    const through = ["bash", "-c", 'exec ./mine "$@" > >(echo $BASHPID >reader; exec cat)', "mine"];

    test.each([
      ["for good, until mine has given up", []],
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

/** Waits until it is written. */
async function readPid(path: string): Promise<number> {
  for (;;) {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    if (text.endsWith("\n")) return Number(text);
    await Bun.sleep(10);
  }
}

/** Lets the reader go on when mine has ended. */
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
