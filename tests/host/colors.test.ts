// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks that mine prints colors at a terminal only.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { canTraceHere, Host, isAlive, type RunOptions } from "../support/host.ts";
import { parseEvents } from "../support/schema.ts";

const isHere = canTraceHere("colors.test.ts");

let host: Host;
let program: string;
beforeAll(() => {
  host = new Host();
  // A unique name, because other programs of this host may use ipset during the test.
  program = join(host.emptyDirectory("program"), `ipset${process.pid}`);
  copyFileSync("/usr/sbin/ipset", program);
});
afterAll(() => host[Symbol.dispose]());

/** Commands in a new network namespace: one succeeds, one fails, and the kernel denies one. */
const session = () => `
  ${program} create a hash:ip
  ${program} create a hash:ip
  setpriv --reuid=65534 --regid=65534 --clear-groups ${program} create b hash:ip`;

/** Wrapper that makes stdout a terminal, and leaves stderr a pipe. */
const terminal = [
  "bash",
  "-c",
  `exec 3>&2; exec script --quiet --return --command "./mine $* 2>&3" /dev/null`,
  "bash",
];

/** Returns the lines that mine prints for these commands. */
async function watch(options: RunOptions, ...args: string[]): Promise<string[]> {
  const filter = ["--comm", program.slice(program.lastIndexOf("/") + 1), "--count", "3"];
  const { exitCode, stdout } = await host.run([...filter, ...args], options, async (pid) => {
    Bun.spawnSync(["unshare", "--net", "sh", "-c", session()]);
    while (isAlive(pid)) await Bun.sleep(20);
  });
  expect(exitCode).toBe(0);
  return stdout.trimEnd().split(/\r?\n/);
}

const plain = ["SUCCESS", "ERROR", "ERROR"];
const outcomes = (lines: string[]) => lines.map((line) => / - (SUCCESS|ERROR)[^-]*$/.exec(line)?.[1]);
const colors = (lines: string[]) => lines.map((line) => line.match(/\p{Cc}\[\d*m/gu) ?? []);
const noColors = plain.map(() => []);

describe.skipIf(!isHere)("a failure is red, and a denied command yellow", () => {
  test("at a terminal", async () => {
    const lines = await watch({ through: terminal, env: { TERM: "xterm" } });
    expect(outcomes(lines)).toEqual(plain);
    expect(colors(lines)).toEqual([[], ["\x1b[31m", "\x1b[m"], ["\x1b[33m", "\x1b[m"]]);
  });

  test.each<[where: string, options: RunOptions]>([
    ["in a pipe", { env: { TERM: "xterm", FORCE_COLOR: "1", CLICOLOR_FORCE: "1" } }],
    ["with NO_COLOR", { through: terminal, env: { TERM: "xterm", NO_COLOR: "1" } }],
    ["at a dumb terminal", { through: terminal, env: { TERM: "dumb" } }],
  ])("but not %s", async (_, options) => {
    const lines = await watch(options);
    expect(outcomes(lines)).toEqual(plain);
    expect(colors(lines)).toEqual(noColors);
  });

  test("but not in JSON", async () => {
    const lines = await watch({ through: terminal, env: { TERM: "xterm" } }, "-o", "json");
    expect(parseEvents(lines.join("\n")).map(({ event }) => event.outcome)).toEqual([
      "success",
      "failure",
      "failure",
    ]);
  });
});
