// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `-o syslog`: a real rsyslog reads what mine sends. tests/vm/systemd has the whole way, over /dev/log.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MineError } from "../../src/errors.ts";
import { LogOutput, syslog } from "../../src/trace/log-output.ts";
import { setName } from "../support/ipset-encoder.ts";
import { formatText } from "../support/lines.ts";
import { ipsetMessage } from "../support/netlink-encoder.ts";
import { context, recordOf } from "../support/records.ts";
import { until } from "../support/until.ts";

const DESTROY = 3;

let dir: string;
let path: string;
let daemon: Bun.Subprocess | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "syslog-test-"));
  path = join(dir, "log");
});
afterEach(async () => {
  daemon?.kill("SIGKILL");
  await daemon?.exited;
  rmSync(dir, { recursive: true, force: true });
});

/** Starts rsyslog. It writes each message that it has read as a line of its parts. */
async function startRsyslog(): Promise<void> {
  const config = join(dir, "rsyslog.conf");
  const parts = "%syslogfacility-text% %syslogseverity-text% %programname% %procid%|%msg%\\n";
  writeFileSync(
    config,
    [
      'module(load="imuxsock" SysSock.Use="off")',
      `input(type="imuxsock" Socket="${path}")`,
      `template(name="parts" type="string" string="${parts}")`,
      `action(type="omfile" file="${join(dir, "messages")}" template="parts")`,
    ].join("\n"),
  );
  daemon = Bun.spawn(["rsyslogd", "-n", "-f", config, "-i", join(dir, "pid")], { stdout: "ignore" });
  await until(() => existsSync(path));
}

const messages = (): string[] => {
  const file = join(dir, "messages");
  return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : [];
};
const destroyed = (name: string, result = 0) => recordOf(ipsetMessage(DESTROY, setName(name)), { result });

test("rsyslog reads the program, its process, the severity and the text", async () => {
  await startRsyslog();
  const output = new LogOutput({ ...syslog, path });
  const records = [destroyed("a"), destroyed("two words"), destroyed("a", -2)];
  for (const record of records) output.add(record, context);
  output.addRun({ timeNs: 0n, action: "end", counts: { ...none, seen: 3 } }, context);
  await until(() => messages().length === 4);
  const texts = records.map((record) => formatText(record).replace(/^\(.*?\) /, ""));
  const begin = (severity: string) => `authpriv ${severity} mine ${process.pid}| `;
  expect(messages()).toEqual([
    `${begin("info")}${texts[0]}`,
    `${begin("info")}${texts[1]}`,
    `${begin("warning")}${texts[2]}`,
    `${begin("info")}mine ended: 3 events seen, 0 lost, 0 truncated`,
  ]);
});

const none = { seen: 0, filtered: 0, truncated: 0, denied: 0, lost: 0, causes: [] };

test("while rsyslog is away one record waits, and arrives later", async () => {
  await startRsyslog();
  const output = new LogOutput({ ...syslog, path });
  output.add(destroyed("before"), context);
  await until(() => messages().length === 1);
  daemon?.kill();
  await daemon?.exited;
  output.add(destroyed("meanwhile"), context);
  expect([output.isFull, output.countUnwritten()]).toEqual([true, 1]);
  await startRsyslog();
  for (; !output.isWritten; output.flush()) output.wait(100);
  output.add(destroyed("after"), context);
  await until(() => messages().length === 3);
  expect(messages().map((line) => / - DESTROY (\w+) - /.exec(line)?.[1])).toEqual([
    "before",
    "meanwhile",
    "after",
  ]);
});

test("without a logger at the start there is an error", () => {
  try {
    new LogOutput({ ...syslog, path });
    throw new Error("no error");
  } catch (error) {
    if (!(error instanceof MineError)) throw error;
    expect([error.reason, error.exitCode]).toEqual(["no-syslog", 3]);
  }
});
