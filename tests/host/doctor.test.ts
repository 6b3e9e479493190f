// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Compares the report of `mine doctor` on this host with the behaviour of mine, and with the kernel.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { machine, release, version } from "node:os";
import packageJson from "../../package.json" with { type: "json" };
import { backendNames } from "../../src/backends/backend.ts";
import type { DoctorReport } from "../../src/doctor/report.ts";
import { selfTest } from "../../src/doctor/self-test.ts";
import { NetlinkSocket } from "../../src/host/ffi/netlink-socket.ts";
import type { Session } from "../../src/trace/session.ts";
import { expectSameRefusal, parseReport, usableBackends } from "../support/doctor.ts";
import { everyOption, optionsIn } from "../support/every-option.ts";
import { Host, isRoot, type Run, type RunOptions } from "../support/host.ts";
import { readConfinement, readError } from "../support/stderr.ts";

let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(() => host[Symbol.dispose]());

if (!isRoot) console.warn("doctor.test.ts: most of it needs root and is skipped");

/** Runs doctor. Expects that the verdict, the exit code and stderr agree. */
async function examine(options: RunOptions = {}): Promise<DoctorReport> {
  const { exitCode, stdout, stderr } = await host.run(["doctor", "--json"], options);
  const report = parseReport(stdout);
  expect(exitCode).toBe(report.auditable ? 0 : 3);
  expectSameRefusal(report, stderr);
  return report;
}

/** Command that runs the binary as nobody. */
const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "./mine"];

test("reports without root too, with the reason not-root", async () => {
  const report = await examine(isRoot ? { through: nobody } : {});
  expect(report.auditable).toBe(false);
  expect(report.privileges.uid).not.toBe(0);
  expect(report.privileges.capabilities.held).toEqual([]);
  expect(usableBackends(report)).toEqual([]);
  expect(report.reason).toBe("not-root");
});

describe("the command line", () => {
  test("--help shows the options of doctor alone", async () => {
    const { exitCode, stdout } = await host.run(["doctor", "--help"]);
    expect(exitCode).toBe(0);
    expect(optionsIn(stdout)).toEqual(everyOption.doctor);
  });

  test.each([
    [["doctor", "--count", "3"], "'--count'"],
    [["doctor", "-o", "json"], "'-o'"],
    [["-o", "json", "doctor"], "'-o'"],
    [["--json"], "'--json'"],
    [["--json", "doctr"], "'doctr'"],
    [["doctor", "trace"], "'trace'"],
    [["doctor", "--btf="], "--btf"],
  ])("refuses %j", async (args, argument) => {
    const { exitCode, stdout, stderr } = await host.run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    const { reason, message } = readError(stderr);
    expect(reason).toBe("usage");
    expect(message).toContain(argument);
  });
});

describe.skipIf(!isRoot)("as root", () => {
  let report: DoctorReport;
  beforeAll(async () => {
    report = await examine();
  });

  test("reports versions, kernel and privileges of this host", () => {
    expect(report.versions.mine).toBe(packageJson.version);
    expect(report.versions.bun).toBe(Bun.version);
    expect(report.versions.libbpf).toMatch(/^1\.\d+$/);
    expect(report.kernel).toEqual({ release: release(), version: version(), machine: machine() });
    expect(report.privileges.uid).toBe(0);
  });

  test("lists every backend in order, and chooses the first usable one", () => {
    expect(report.backends.map(({ name }) => name)).toEqual([...backendNames]);
    expect(report.choice).toBe(usableBackends(report)[0] ?? null);
  });

  test("mine runs with each usable backend, and fails with the reported reason of the others", async () => {
    for (const { name, usable, reason, message, hint } of report.backends) {
      const { exitCode, stderr } = await host.run(["--backend", name]);
      expect(`${name} ${exitCode}`).toBe(`${name} ${usable ? 0 : 3}`);
      if (!usable) expect(readError(stderr) as unknown).toEqual({ reason, message, hint });
    }
  });

  test("every usable backend has passed the self-test", () => {
    for (const { usable, self_test } of report.backends) {
      expect(self_test?.verdict).toBe(usable ? "passed" : undefined);
    }
  });

  test("reports the confinement that mine prints with -v", async () => {
    const { stderr } = await host.run(["-v"]);
    expect(report.confinement).toEqual(report.choice === null ? [] : readConfinement(stderr));
  });

  test("the text report agrees with the JSON report", async () => {
    const { stdout } = await host.run(["doctor"]);
    expect(stdout).toContain(`\nchoice        ${report.choice ?? "none"}\n`);
    for (const { name, usable } of report.backends) {
      expect(stdout).toMatch(new RegExp(`^${name.padEnd(14)}${usable ? "yes$" : "no: "}`, "m"));
    }
  });

  test("reports the fault of the BTF file that --btf names, and tries no other place", async () => {
    const { exitCode, stdout } = await host.run(["doctor", "--json", "--btf", "/dev/null"]);
    const { btf, backends } = parseReport(stdout);
    expect(exitCode).toBe(3);
    expect(btf.path).toBeNull();
    expect(btf.places).toEqual([{ path: "/dev/null", reason: "not-a-file", message: expect.any(String) }]);
    for (const { reason, message } of backends) {
      expect(reason).toBe("unusable-btf");
      expect(message).toContain("/dev/null");
    }
  });

  test("escapes control characters in a file name", async () => {
    const { stdout, stderr } = await host.run(["doctor", "--btf", "/no\n\x1b[1m\u202e"]);
    expect(stdout + stderr).not.toMatch(/[^\n\x20-\x7e]/);
    expect(stdout).toContain("/no\\u{a}\\u{1b}[1m\\u{202e}: ");
  });

  test.each<[what: string, through: string[], told: Partial<DoctorReport["privileges"]>]>([
    [
      "no capabilities",
      ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "./mine"],
      { capabilities: { held: [], missing: [] } },
    ],
    ["no_new_privs", ["setpriv", "--no-new-privs", "./mine"], { no_new_privs: true }],
    ["a user namespace", ["unshare", "--user", "--map-root-user", "./mine"], { user_namespace: "other" }],
    [
      "a limit",
      ["prlimit", "--memlock=65536:65536", "./mine"],
      { locked_memory: { soft: 65536, hard: 65536 } },
    ],
  ])("reports %s", async (what, through, told) => {
    const { privileges } = await examine({ through });
    if (what !== "no capabilities") expect(privileges).toMatchObject(told);
    else expect(privileges.capabilities.missing).toContain("CAP_SYS_ADMIN");
  });

  test("reports a full disk, and keeps the exit code with a closed pipe", async () => {
    const shell = (line: string) => host.run([], { through: ["bash", "-c", line] });
    const full = await shell("./mine doctor >/dev/full");
    expect(full.exitCode).toBe(1);
    expect(readError(full.stderr)).toMatchObject({
      reason: "stdout",
      message: expect.stringContaining("ENOSPC"),
    });
    const closed: Run = await shell("trap '' PIPE; exec {out}> >(:); wait $!; ./mine doctor >&$out");
    expect(closed.exitCode).toBe(report.auditable ? 0 : 3);
  });
});

describe.skipIf(!isRoot)("the self-test's commands", () => {
  const namespace = () => statSync("/proc/thread-self/ns/net").ino;

  test("go to a new network namespace, and the calling thread keeps its namespace", () => {
    const before = namespace();
    using socket = NetlinkSocket.inOwnNamespace();
    using another = NetlinkSocket.inOwnNamespace();
    expect(namespace()).toBe(before);
    expect(new Set([before, socket.netns, another.netns]).size).toBe(3);
  });

  test("get the expected answers of the kernel, and a missed command does not count as seen", () => {
    const blind = {
      backend: "kprobe",
      buffer: { lost: 0, drain: () => 0, wait: (ms: number) => Bun.sleepSync(ms) },
      counters: { read: () => ({ lostBuffer: 0, lostCall: 0, lostEntry: 0, lostMessage: 0, lostRest: 0 }) },
      misses: () => 0,
    };
    const { verdict, reason, message, commands } = selfTest(blind as unknown as Session);
    expect({ verdict, reason }).toEqual({ verdict: "failed", reason: "commands-missed" });
    expect(message?.match(/\d+/g)).toEqual(["14", "14", "0"]); // missed, sent, lost
    expect(commands.map(({ command, answer }) => [command, answer])).toEqual([
      ["type hash:ip", "success"],
      ["create mine-doctor hash:ip", "success"],
      ["create mine-doctor hash:ip", "EEXIST"],
      ["add mine-doctor 192.0.2.1", "success"],
      ["add mine-doctor 192.0.2.1", "IPSET_ERR_EXIST"],
      ["test mine-doctor 192.0.2.1", "in set"],
      ["test mine-doctor 192.0.2.2", "not in set"],
      ["del mine-doctor 192.0.2.1", "success"],
      ["save mine-doctor", "success"],
      ["flush mine-doctor", "success"],
      ["rename mine-doctor mine-renamed", "success"],
      ["destroy mine-doctor", "ENOENT"],
      ["list mine-renamed", "success"],
      ["destroy mine-renamed", "success"],
    ]);
    expect(new Set(commands.map(({ seen, agrees }) => `${seen} ${agrees}`))).toEqual(new Set(["null false"]));
  });
});
