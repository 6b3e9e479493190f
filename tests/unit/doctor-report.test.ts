// A report as people and as machines read it.
import { describe, expect, test } from "bun:test";
import { formatDoctorJson } from "../../src/output/doctor-json.ts";
import type { Backend, DoctorReport } from "../../src/output/doctor-report.ts";
import { formatDoctorText } from "../../src/output/doctor-text.ts";

const command = (command: string, answer: string | null, seen = answer) => ({
  command,
  answer,
  seen,
  agrees: answer !== null && answer === seen,
});

const kprobe: Backend = {
  name: "kprobe",
  usable: true,
  reason: null,
  hint: null,
  log: [],
  caveats: ["It cannot do that."],
  self_test: {
    verdict: "passed",
    reason: null,
    commands: [command("create mine-doctor hash:ip", "success"), command("destroy mine-doctor", "ENOENT")],
  },
};

const good: DoctorReport = {
  auditable: true,
  hint: null,
  versions: { mine: "0.1.0", bun: "1.4.5", libbpf: "1.7" },
  kernel: { release: "6.1.0-50-amd64", version: "#1 SMP Debian 6.1.176-1", machine: "x86_64" },
  privileges: {
    uid: 0,
    capabilities: { held: ["CAP_BPF"], missing: [] },
    user_namespace: "initial",
    seccomp: "none",
    no_new_privs: false,
    lockdown: "none",
    locked_memory: { soft: 8388608, hard: null },
  },
  btf: { path: "/sys/kernel/btf/vmlinux", places: [{ path: "/sys/kernel/btf/vmlinux", trouble: null }] },
  ip_set: { found: "loadable", state: "loaded", btf: true },
  backends: [
    {
      name: "fexit",
      usable: false,
      reason: "no BTF for ip_set",
      hint: "do this",
      log: ["a"],
      caveats: [],
      self_test: null,
    },
    kprobe,
  ],
  choice: "kprobe",
  buffer: { kind: "ring", count: 1, bytes: 8388608 },
  confinement: ["no new privileges", "no capabilities"],
};

test("a host that can be audited", () => {
  expect(formatDoctorText(good)).toBe(
    `
versions      mine 0.1.0, Bun 1.4.5, libbpf 1.7
kernel        6.1.0-50-amd64 x86_64
              #1 SMP Debian 6.1.176-1
user          uid 0, in the initial user namespace
capabilities  all that matter
restrictions  seccomp none, no_new_privs not set, lockdown none
locked memory limit 8 MiB, which can be raised to unlimited
BTF           /sys/kernel/btf/vmlinux
ip_set        module, loadable, now loaded, with BTF
fexit         no: no BTF for ip_set
kprobe        yes
event buffer  ring buffer of 8 MiB
confinement   no new privileges
              no capabilities
choice        kprobe
              It cannot do that.
self-test     passed, all 2 commands seen as answered
  create mine-doctor hash:ip        success          seen
  destroy mine-doctor               ENOENT           seen
`.trim(),
  );
});

test("a host that cannot", () => {
  const report: DoctorReport = {
    ...good,
    privileges: {
      uid: 0,
      capabilities: { held: [], missing: ["CAP_SYS_ADMIN", "CAP_BPF"] },
      user_namespace: "other",
      seccomp: "filter",
      no_new_privs: true,
      lockdown: null,
      locked_memory: { soft: 65536, hard: 65536 },
    },
    btf: {
      path: null,
      places: [
        { path: "/sys/kernel/btf/vmlinux", trouble: "missing" },
        {
          path: "/boot/vmlinux-6.1",
          trouble: "others than root may write it; name it with --btf to trust it",
        },
      ],
    },
    ip_set: { found: "missing", state: "missing", btf: false },
    backends: [
      {
        name: "kprobe",
        usable: false,
        reason: "cannot load the kprobe programs: bpf_object__load: Operation not permitted (EPERM)",
        hint: null,
        log: [],
        caveats: [],
        self_test: null,
      },
    ],
    choice: null,
    buffer: null,
    confinement: [],
  };
  expect(formatDoctorText(report).split("\n").slice(3).join("\n")).toBe(
    `
user          uid 0, in a user namespace of its own: not root on this host
capabilities  without CAP_SYS_ADMIN, CAP_BPF, within that namespace only
restrictions  seccomp filter, no_new_privs set, lockdown unknown
locked memory limit 64 KiB
BTF           none
              /sys/kernel/btf/vmlinux: missing
              /boot/vmlinux-6.1: others than root may write it; name it with
              --btf to trust it
ip_set        missing
kprobe        no: cannot load the kprobe programs: bpf_object__load: Operation
              not permitted (EPERM)
event buffer  none
choice        none
self-test     not run
`.trim(),
  );
});

/** The lines of one row. */
const row = (report: Partial<DoctorReport>, label: string): string =>
  new RegExp(`^${label} .*(?:\\n .*)*`, "m").exec(formatDoctorText({ ...good, ...report }))?.[0] ?? "";

describe("what differs", () => {
  test("BTF that is not in the first place: the others are told too", () => {
    const places = [
      { path: "/sys/kernel/btf/vmlinux", trouble: "missing" },
      { path: "/boot/vmlinux-4.15", trouble: null },
    ];
    expect(row({ btf: { path: "/boot/vmlinux-4.15", places } }, "BTF")).toBe(
      "BTF           /boot/vmlinux-4.15\n              not /sys/kernel/btf/vmlinux: missing",
    );
  });

  test.each([
    [{ found: "built in", state: "built in", btf: true } as const, "built in, with BTF"],
    [{ found: "loaded", state: "loaded", btf: false } as const, "module, loaded, without BTF"],
    [{ found: "loadable", state: "loadable", btf: false } as const, "module, loadable"],
  ])("ip_set: %j", (ip_set, text) => {
    expect(row({ ip_set }, "ip_set")).toBe(`ip_set        ${text}`);
  });

  test("a perf buffer's memory is that of all CPUs", () => {
    expect(row({ buffer: { kind: "perf", count: 6, bytes: 262144 } }, "event buffer")).toBe(
      "event buffer  perf buffer of 6 x 256 KiB, one per CPU, 1536 KiB in all",
    );
  });

  test("a self-test that failed shows what was seen instead", () => {
    const commands = [
      command("add a 192.0.2.1", "IPSET_ERR_EXIST", "success"),
      command("del a 192.0.2.1", "success", null),
      command("list a", null, null),
      command("flush a", "success"),
    ];
    const self_test = { verdict: "failed", reason: "3 of 4 were not seen", commands } as const;
    expect(row({ backends: [{ ...kprobe, self_test: { ...self_test, commands } }] }, "self-test")).toBe(
      `
self-test     failed, 3 of 4 were not seen
  add a 192.0.2.1                   IPSET_ERR_EXIST  seen: success
  del a 192.0.2.1                   success          seen: nothing
  list a                            no answer        seen: nothing
  flush a                           success          seen
`.trim(),
    );
  });

  test("a self-test that could not be run", () => {
    const self_test = { verdict: "unknown", reason: "unshare: EPERM", commands: [] } as const;
    expect(row({ backends: [{ ...kprobe, self_test: { ...self_test, commands: [] } }] }, "self-test")).toBe(
      "self-test     could not be run: unshare: EPERM",
    );
  });
});

describe("nothing that was quoted reaches the terminal as it is", () => {
  const reason = "modprobe: \x1b[31mFATAL\u202e\nself-test     passed\u2028\x9b \u{e0001}";
  const report: DoctorReport = {
    ...good,
    btf: { path: null, places: [{ path: "/\n\x07", trouble: reason }] },
    backends: [{ ...kprobe, usable: false, reason, self_test: null }],
  };

  test("as text", () => {
    const text = formatDoctorText(report);
    expect(text).not.toMatch(/[^\n\x20-\x7e]/);
    expect(text).toContain("modprobe: \\u{1b}[31mFATAL\\u{202e}\\u{a}self-test");
    expect(text.match(/^self-test/gm)).toEqual(["self-test"]);
  });

  test("as JSON, which loses nothing of it", () => {
    const line = formatDoctorJson(report);
    expect(line).not.toMatch(/[^\x20-\x7e]/);
    expect(JSON.parse(line)).toEqual(report);
  });
});
