// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Follows docs/fleet.md on machines with Debian's systemd and rsyslog. Two of them send while the programs of the
// collector are killed and start again. The address of each command is its number, so a missing one shows.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { addressesOf, blockCommand, bootFleet, type Fleet, type Sender } from "../support/fleet.ts";
import { canTraceHere, Host } from "../support/host.ts";
import { until } from "../support/until.ts";

const isHere = canTraceHere("fleet.test.ts");
const TIMEOUT_MS = 120_000;
/** Commands of each step of the flood. */
const SOME = 30;
/** Commands while the collector is away: more than 1 MiB of JSON. */
const AWAY = 1000;

let host: Host;
let fleet: Fleet;
const sender = (index: number): Sender => fleet.senders[index] as Sender;

/** Returns a program that stands for mail(1), or for another reader of lines. */
const appendTo = (file: string): string => `#!/bin/sh\nexec cat >>${file}\n`;
const textOf = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
/** Returns the texts of all files in a directory. */
const textsOf = (directory: string): string =>
  readdirSync(directory)
    .map((name) => textOf(join(directory, name)))
    .join("");
/** Returns a file of the collector. */
const collected = (file: string): string => textOf(fleet.collector.path(file));

/** Returns the addresses that arrived from a host, by the way that they took. */
function arrived({ machine: { name } }: Sender): Record<string, Set<string>> {
  const journal = fleet.collector.run(...blockCommand("merge"));
  const ofHost = new RegExp(`(?<= ${name} mine.* - ADD blocklist )\\S+`, "g");
  return {
    journal: new Set(journal.match(ofHost)),
    json: new Set(collected(`/var/log/fleet/${name}.jsonl`).match(/(?<="elements":\[")10\.[^"]+/g)),
    // The lines of `-o journald`, which journald gives to rsyslog too, have no process after the name.
    text: new Set(collected(`/var/log/fleet/${name}.log`).match(/(?<=mine\[\d+\]: .* - ADD blocklist )\S+/g)),
  };
}

/** Waits until each way has so many addresses of each sender. */
async function untilArrived(count: (sender: Sender) => number): Promise<void> {
  const counts = (each: Sender) => Object.values(arrived(each)).map((found) => found.size);
  await until(
    () => fleet.senders.every((each) => Math.min(...counts(each)) >= count(each)),
    () => fleet.senders.map((each) => `${counts(each)} of ${each.sent}`).join("; "),
  );
}

/** Waits until each sender has sent so many more. */
async function untilSent(count: number): Promise<void> {
  const least = new Map(fleet.senders.map((each) => [each, each.sent + count]));
  await until(() => fleet.senders.every((each) => each.sent >= (least.get(each) ?? 0)));
}

/** Destroys sets until there is an alert: its reader may not read yet. @returns the alerts. */
async function alertsOf(read: () => string): Promise<string[]> {
  let count = 0;
  await until(() => {
    count += 1;
    sender(0).send(`ipset create alert${count} hash:ip; ipset destroy alert${count}`);
    return read().endsWith("\n");
  });
  return read().trimEnd().split("\n");
}

/** Runs a command that calls mine and a program, which appends its lines to a file. @returns the alerts. */
async function alertsBy(command: string[], dir: string): Promise<string[]> {
  const binary = join(host.directoryWithBinary(), "mine");
  const mine = `#!/bin/sh\necho $$ >${dir}/pid\nexec ${binary} --uid ${sender(0).uid} "$@"\n`;
  writeFileSync(join(dir, "mine"), mine, { mode: 0o755 });
  const env = { PATH: `${dir}:/usr/sbin:/usr/bin:/sbin:/bin` };
  const child = Bun.spawn(command, { cwd: dir, env, stdin: "ignore", stderr: "ignore" });
  const pid = Number(await until(() => textOf(join(dir, "pid")).trim() || undefined));
  try {
    return await alertsOf(() => textOf(join(dir, "alerts")));
  } finally {
    process.kill(pid, "SIGINT");
    await child.exited;
  }
}

describe.skipIf(!isHere)("a fleet", () => {
  beforeAll(async () => {
    host = new Host();
    fleet = await bootFleet(
      host,
      new Map([["/usr/local/bin/mail", { text: appendTo("/run/mail"), mode: 0o755 }]]),
    );
  }, TIMEOUT_MS);
  afterAll(async () => {
    for (const machine of fleet?.machines ?? []) await machine[Symbol.asyncDispose]();
    host[Symbol.dispose]();
  });

  const brings =
    "brings every command to a collector that hangs under load, is killed, and stays away for a while";
  test(
    brings,
    async () => {
      const { collector, senders } = fleet;
      for (const each of senders) {
        await each.trace();
        each.startFlood();
      }
      await untilArrived(() => SOME);
      const services = ["rsyslog", "systemd-journal-remote"];
      // The messages to a program that stands still are in its sockets, and end with it.
      collector.run("systemctl", "kill", "--signal=STOP", ...services);
      await untilSent(SOME);
      collector.run("systemctl", "kill", "--signal=KILL", ...services);
      collector.run("systemctl", "stop", "syslog.socket", "systemd-journal-remote.socket", ...services);
      // The record is rotated meanwhile.
      await untilSent(AWAY);
      expect(senders.map(({ record }) => existsSync(`${record}.1`))).toEqual([true, true]);
      const meanwhile = new Map(senders.map((each) => [each, each.sent]));
      collector.run("systemctl", "start", "systemd-journal-remote.socket", "rsyslog");
      await untilArrived((each) => meanwhile.get(each) ?? 0);
      for (const each of senders) await each.stopFlood();
      await untilArrived(({ sent }) => sent);
      for (const each of senders) {
        const all = new Set(addressesOf(each.sent));
        expect(arrived(each)).toEqual({ journal: all, json: all, text: all });
      }
    },
    TIMEOUT_MS,
  );

  test("answers a question about one host", async () => {
    for (const each of fleet.senders) each.send("! ipset del blocklist 192.0.2.99 2>error");
    const ask = () => fleet.collector.run(...blockCommand("failures")).match(/^.* - DEL .*$/gm) ?? undefined;
    expect(await until(ask)).toEqual([
      expect.stringMatching(/ web2 mine.* - DEL blocklist 192\.0\.2\.99 - ERROR \(.*it's not added\)$/),
    ]);
  });

  test("has each line of JSON, also a long one", async () => {
    const long = JSON.stringify({ long: "x".repeat(100_000) });
    for (const { machine, record } of fleet.senders) {
      appendFileSync(record, `${long}\n`);
      const linesOf = (text: string) => new Set(text.split("\n"));
      const differences = () => {
        const found = linesOf(collected(`/var/log/fleet/${machine.name}.jsonl`));
        return linesOf(textsOf(dirname(record))).symmetricDifference(found);
      };
      await until(
        () => differences().size === 0,
        () => [...differences()].join("\n"),
      );
    }
  });

  test("has a file of JSON for each host", async () => {
    const deleted = () =>
      fleet.collector
        .run(...blockCommand("jq"))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
        .filter(([, command]) => command === "del");
    const events = await until(() => deleted().length === fleet.senders.length && deleted());
    expect(events).toEqual(["web1", "web2"].map((name) => [name, "del", "failure", ["192.0.2.99"]]));
  });

  test("takes nothing from another address, or from a host without a certificate of the CA", async () => {
    const { collector, intruder } = fleet;
    mkdirSync(intruder.path("/var/log/mine"));
    writeFileSync(intruder.path("/var/log/mine/events.jsonl"), "a line\n");
    await until(() =>
      collector.run("journalctl", "--unit=rsyslog").includes("certificate validation failed"),
    );
    await until(() => intruder.run("ss", "-Htn", "state", "syn-sent", "dport", "=", "19532") !== "");
    const files = (directory: string) => readdirSync(collector.path(directory)).sort();
    expect([...files("/var/log/fleet"), ...files("/var/log/journal/remote")]).toEqual([
      ...["web1.jsonl", "web1.log", "web2.jsonl", "web2.log"],
      ...["remote-192.0.2.2.journal", "remote-192.0.2.3.journal"],
    ]);
  });

  test("alerts on the collector", async () => {
    const { collector } = fleet;
    Bun.spawn(collector.within(...blockCommand("alert-journal")), { stdin: "ignore" }); // ends with the machine
    const alerts = await alertsOf(() => collected("/run/mail"));
    for (const line of alerts) expect(line).toMatch(/ web1 mine.* - DESTROY alert\d+ - SUCCESS$/);
  });

  test("each mine ends without a loss", async () => {
    for (const run of await Promise.all(fleet.senders.map((each) => each.stop()))) {
      expect([run?.exitCode, run?.stderr]).toEqual([
        0,
        expect.stringContaining(" events seen, 0 lost, 0 truncated"),
      ]);
    }
  });

  const destroyed = {
    event: { action: "ipset-destroy" },
    ipset: { set: expect.stringMatching(/^alert\d+$/) },
  };

  test("alerts through a pipe", async () => {
    const dir = host.emptyDirectory("alert");
    writeFileSync(join(dir, "mail"), appendTo(join(dir, "alerts")), { mode: 0o755 });
    const alerts = await alertsBy(blockCommand("alert-pipe"), dir);
    for (const line of alerts) expect(JSON.parse(line)).toMatchObject(destroyed);
  });

  test("alerts another user through a named pipe", async () => {
    const dir = host.emptyDirectory("alert");
    chmodSync(dir, 0o777);
    const program = `#!/bin/sh\nid -un >${dir}/user\ngrep --line-buffered ipset-destroy >>${dir}/alerts\n`;
    writeFileSync(join(dir, "alert"), program, { mode: 0o755 });
    const alerts = await alertsBy(sender(0).machine.beside(...blockCommand("alert-fifo")), dir);
    for (const line of alerts) expect(JSON.parse(line)).toMatchObject(destroyed);
    expect(textOf(join(dir, "user"))).toBe("nobody\n");
  });
});
