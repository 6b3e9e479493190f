// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Floods the kernel from callers without privileges. They must not displace events of root: mine sees every command
// of root, and does not count denied commands as lost.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { canTraceHere } from "../support/host.ts";
import { SendingHost } from "../support/sending-host.ts";
import { readSummary } from "../support/stderr.ts";

const isHere = canTraceHere("displaced.test.ts");
const COMMANDS = 400;
/** Number of empty elements per message: 16 KiB, and one element. */
const FLOODS = ["4000", "1"];
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const script = `ipset create victim hash:ip; i=0; while [ $i -lt ${COMMANDS} ]; do i=$((i + 1)); ipset add victim 10.0.$((i / 250)).$((i % 250)); done`;

let host: SendingHost;
beforeAll(() => {
  host = new SendingHost();
});
afterAll(() => host[Symbol.dispose]());

describe.skipIf(!isHere)("two floods of an unprivileged user", () => {
  test.each<[what: string, args: string[], env: Record<string, string>]>([
    ["text", [], {}],
    ["json", ["-o", "json"], {}],
    ["text, legacy object", [], { MINE_ASSUME_KERNEL: "4.15" }],
  ])("displace no command of root: %s", async (_, args, env) => {
    const { exitCode, stdout, stderr } = await host.run(args, { env }, async () => {
      const floods = FLOODS.map((elements) =>
        Bun.spawn([...nobody, host.sender, "denied", elements], { stdout: "ignore", stderr: "ignore" }),
      );
      const { exited } = Bun.spawn(["unshare", "--net", "sh", "-c", script], { stdout: "ignore" });
      expect(await exited).toBe(0);
      for (const flood of floods) {
        expect(flood.exitCode).toBeNull();
        flood.kill("SIGKILL");
        await flood.exited;
      }
    });
    expect(exitCode).toBe(0);
    const ofVictim = /ADD victim |"command":"add","set":"victim"/;
    expect(stdout.split("\n").filter((line) => ofVictim.test(line))).toHaveLength(COMMANDS);
    expect(readSummary(stderr).lost).toBe(0);
  });
});
