// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs mine in difficult environments: a full disk, no reader, no streams, no environment variables, a read-only file
// system, few open files, and SIGKILL at any moment.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../../src/host/sysfs.ts";
import { readSent, SENDER_UID, type Sent, sized, soakTimeoutMs } from "../support/accounts.ts";
import { canTraceHere, endingOf, type Run } from "../support/host.ts";
import { Random } from "../support/random.ts";
import { SendingHost } from "../support/sending-host.ts";
import { readError, readSummaries, readSummary, readWarnings, type Summary } from "../support/stderr.ts";

const isHere = canTraceHere("environment.test.ts");

const COUNT = "5000";
const KILLS = sized(8, 200);
const SEED = 20_260_704;
const TEXT_LINE = /^\(\d{4}\/\d\d\/\d\d_\d\d:\d\d\) [\x20-\x7e]+$/;

let host: SendingHost;
beforeAll(() => {
  host = new SendingHost();
});
afterAll(() => host[Symbol.dispose]());

const flood = () => host.flood(COUNT);
const linesOf = (text: string): string[] => text.split("\n").slice(0, -1);

interface Flooded extends Run {
  sent: Sent;
  summary: Summary;
}

/** Runs mine during a flood, through a line of bash. "$@" in the line stands for the arguments of mine. */
async function floodThrough(line: string, wrapper: string[] = []): Promise<Flooded> {
  let sent = readSent("handled 0 failed 0 unanswered 0");
  const through = [...wrapper, "bash", "-c", line, "mine"];
  const run = await host.run(["--uid", SENDER_UID], { through }, async () => {
    sent = await flood();
  });
  const [summary] = readSummaries(run.stderr);
  if (!summary) throw new Error(`no summary: ${run.stderr}`);
  return { ...run, sent, summary };
}

describe.skipIf(!isHere)("stdout", () => {
  test("on a disk that fills up: reports the error and the lost events", async () => {
    const line = `mount -t tmpfs -o size=64k tmpfs /mnt
      ./mine "$@" >/mnt/out & trap 'kill -INT $!' INT
      wait $!; wait $!; status=$?; cat /mnt/out; exit $status`;
    const { exitCode, stdout, stderr, summary } = await floodThrough(line, ["unshare", "--mount"]);
    expect(exitCode).toBe(0);
    expect(readWarnings(stderr).filter((warning) => warning.includes("ENOSPC"))).toHaveLength(1);
    expect(stdout).toHaveLength(64 * 1024);
    const whole = linesOf(stdout);
    expect(whole.filter((line) => !TEXT_LINE.test(line))).toEqual([]);
    expect(whole).toHaveLength(summary.seen);
    expect(summary.causes.unwritten).toBeGreaterThan(0);
  });

  test("into a slow pipe: every event arrives", async () => {
    const slow = `while IFS= read -r line; do printf '%s\\n' "$line"; done`;
    const { exitCode, stdout, sent, summary } = await floodThrough(`exec ./mine "$@" > >(${slow})`);
    expect(exitCode).toBe(0);
    expect(linesOf(stdout)).toHaveLength(sent.handled);
    expect(summary).toMatchObject({ seen: sent.handled });
  });

  test("into a pipe whose reader exits: ends without an error", async () => {
    const { exitCode, stdout, stderr } = await floodThrough('exec ./mine "$@" > >(head -n 1)');
    expect(exitCode).toBe(0);
    expect(linesOf(stdout)).toHaveLength(1);
    readSummary(stderr);
  });
});

describe.skipIf(!isHere)("mine traces with closed standard streams", () => {
  test.each([
    ["stdin", "<&-"],
    ["stdout", ">&-"],
    ["stderr", "2>&-"],
    ["all", "<&- >&- 2>&-"],
  ])("%s", async (name, redirection) => {
    const through = ["bash", "-c", `./mine "$@" ${redirection}`, "mine"];
    const running = host.run(["--uid", SENDER_UID, "--duration", "1"], { through });
    await Bun.sleep(600); // a closed stderr hides the ready line
    await flood();
    const { exitCode, stdout, stderr } = await running;
    expect(exitCode).toBe(0);
    expect(linesOf(stdout).filter((line) => !TEXT_LINE.test(line))).toEqual([]);
    if (name === "stderr" || name === "all") expect(stderr).toBe("");
    if (name === "stdout" || name === "all") expect(stdout).toBe("");
  });
});

describe.skipIf(!isHere)("mine traces without losses", () => {
  const line = 'exec ./mine "$@"';
  const readOnly = `mount -o remount,bind,ro / && { ! mountpoint -q /tmp || mount -o remount,bind,ro /tmp; } &&
    ! touch /tmp/anything ./anything 2>/dev/null && ${line}`;
  test.each<[what: string, line: string, wrapper: string[]]>([
    ["without an environment", 'exec env -i ./mine "$@"', []],
    ["in a missing locale", `LC_ALL=tr_TR.UTF-8 LANG=../../x LANGUAGE=%s TZ=:/etc/passwd ${line}`, []],
    ["without HOME", `unset HOME; ${line}`, []],
    ["on a read-only root file system", readOnly, ["unshare", "--mount"]],
    ["in a removed directory", `mine=$PWD/mine; mkdir gone; cd gone; rmdir ../gone; exec "$mine" "$@"`, []],
    ["with 256 open files", `ulimit -n 256; ${line}`, []],
    ["with 4 GiB of address space", `ulimit -v 4194304; ${line}`, []],
  ])("%s", async (_, line, wrapper) => {
    const { exitCode, stdout, sent, summary } = await floodThrough(line, wrapper);
    expect(exitCode).toBe(0);
    expect(linesOf(stdout)).toHaveLength(sent.handled);
    expect(summary).toMatchObject({ seen: sent.handled });
  });
});

test.skipIf(!isHere).each([5, 8, 12])("reports the limit of %d open files", async (limit) => {
  const through = ["bash", "-c", `ulimit -n ${limit}; exec ./mine`];
  const { exitCode, stdout, stderr } = await host.run([], { through });
  const { reason, message } = readError(stderr);
  expect(reason).toBe("open-files-limit");
  expect(message).toContain("(EMFILE)");
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
});

/** Returns the ids of mine's BPF programs that no process holds. */
function orphans(): number[] {
  const { stdout, success, stderr } = Bun.spawnSync(["/usr/sbin/bpftool", "--json", "prog", "show"]);
  if (!success) throw new Error(`bpftool: ${stderr}`);
  const programs: { id: number; name?: string }[] = JSON.parse(stdout.toString());
  const held = new Set(
    readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap(programsOf),
  );
  const ours = programs.filter(({ name }) => name?.startsWith("mine_") || name?.startsWith("exit_ip_set"));
  return ours.map(({ id }) => id).filter((id) => !held.has(id));
}

function programsOf(pid: string): number[] {
  const folder = join("/proc", pid, "fdinfo");
  try {
    const infos = readdirSync(folder).map((fd) => readText(join(folder, fd)) ?? "");
    return infos.flatMap((info) => Number(/^prog_id:\t(\d+)$/m.exec(info)?.[1] ?? 0));
  } catch {
    return []; // the process has exited
  }
}

test.skipIf(!isHere)(
  `starts again and leaves no BPF program after ${KILLS} kills at random moments, seed ${SEED}`,
  async () => {
    const random = new Random(SEED);
    const cwd = host.directoryWithBinary();
    for (let kill = 0; kill < KILLS; kill++) {
      const child = Bun.spawn(["./mine"], { cwd, stdin: "ignore", stdout: "ignore", stderr: "ignore" });
      await Bun.sleep(random.below(600));
      child.kill("SIGKILL");
      await child.exited;
      expect(child.signalCode).toBe("SIGKILL");
    }
    let left = orphans();
    for (let tries = 0; left.length > 0 && tries < 50; tries++) {
      await Bun.sleep(100); // the kernel removes programs asynchronously
      left = orphans();
    }
    expect(left).toEqual([]);
    expect(endingOf(await host.run())).toEqual({ exitCode: 0 });
  },
  soakTimeoutMs,
);
