// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Holds made-up reports of `mine doctor`: for a host that can be audited, and for one that cannot.
import type { Backend, DoctorReport, SelfTest } from "../../src/doctor/report.ts";

export const command = (command: string, answer: string | null, seen = answer) => ({
  command,
  answer,
  seen,
  agrees: answer !== null && answer === seen,
});

export const passed: SelfTest = {
  verdict: "passed",
  reason: null,
  message: null,
  commands: [command("create mine-doctor hash:ip", "success"), command("destroy mine-doctor", "ENOENT")],
};

export const failed: SelfTest = {
  verdict: "failed",
  reason: "commands-missed",
  message: "MESSAGE of the self-test",
  commands: [
    command("add a 192.0.2.1", "IPSET_ERR_EXIST", "success"),
    command("del a 192.0.2.1", "success", null),
    command("list a", null, null),
    command("flush a", "success"),
  ],
};

export const kprobe: Backend = {
  name: "kprobe",
  usable: true,
  reason: null,
  message: null,
  hint: null,
  log: [],
  caveats: ["CAVEAT of the backend"],
  self_test: passed,
};

export const auditable: DoctorReport = {
  auditable: true,
  reason: null,
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
  btf: {
    path: "/sys/kernel/btf/vmlinux",
    places: [{ path: "/sys/kernel/btf/vmlinux", reason: null, message: null }],
    offsets: null,
  },
  ip_set: { found: "loadable", state: "loaded", btf: true },
  backends: [
    {
      name: "fexit",
      usable: false,
      reason: "no-fexit",
      message: "MESSAGE of the refusal",
      hint: "HINT",
      log: ["a"],
      caveats: [],
      self_test: null,
    },
    kprobe,
  ],
  choice: "kprobe",
  buffer: { kind: "ring", count: 1, bytes: 8388608 },
  confinement: ["CONFINEMENT one", "CONFINEMENT two"],
};

export const refused: DoctorReport = {
  ...auditable,
  auditable: false,
  reason: "no-privileges",
  hint: "HINT",
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
      { path: "/sys/kernel/btf/vmlinux", reason: "missing", message: "MESSAGE of the place" },
      {
        path: "/boot/vmlinux-6.1",
        reason: "untrusted",
        message: "a long MESSAGE of the place, which takes more than one line here",
      },
    ],
    offsets: null,
  },
  ip_set: { found: "missing", state: "missing", btf: false },
  backends: [
    {
      name: "kprobe",
      usable: false,
      reason: "no-privileges",
      message: "cannot load the kprobe programs: bpf_object__load: Operation not permitted (EPERM)",
      hint: "HINT",
      log: [],
      caveats: [],
      self_test: null,
    },
  ],
  choice: null,
  buffer: null,
  confinement: [],
};

/** Changes of the first report. Each one leads to other words in the output. */
export const variants: Partial<DoctorReport>[] = [
  { ip_set: { found: "built in", state: "built in", btf: true } },
  { ip_set: { found: "loaded", state: "loaded", btf: false } },
  { ip_set: { found: "loadable", state: "loadable", btf: false } },
  { buffer: { kind: "perf", count: 6, bytes: 262144 } },
  { privileges: { ...auditable.privileges, seccomp: null, locked_memory: null } },
  { privileges: { ...auditable.privileges, locked_memory: { soft: null, hard: null } } },
  {
    btf: {
      path: "/boot/vmlinux-4.15",
      places: [
        { path: "/sys/kernel/btf/vmlinux", reason: "missing", message: "MESSAGE of the place" },
        { path: "/boot/vmlinux-4.15", reason: null, message: null },
      ],
      offsets: null,
    },
  },
  {
    btf: {
      path: null,
      places: [{ path: "/sys/kernel/btf/vmlinux", reason: "missing", message: "MESSAGE of the place" }],
      offsets: [
        { field: "sk_buff.head", offset: 192, evidence: "EVIDENCE of the offset" },
        { field: "task_struct.loginuid", offset: null, evidence: "EVIDENCE of the missing field" },
      ],
    },
  },
  {
    backends: [
      { ...kprobe, usable: false, reason: "self-test", message: "MESSAGE of the refusal", self_test: failed },
    ],
  },
  {
    backends: [
      {
        ...kprobe,
        self_test: { verdict: "unknown", reason: "call-failed", message: "unshare: EPERM", commands: [] },
      },
    ],
  },
];
