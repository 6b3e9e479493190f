// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Privileges and limits in /proc, as kernels of different ages write them.
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listsIpset } from "../../src/host/ip-set-module.ts";
import {
  readCapabilities,
  readLockedMemory,
  readPrivileges,
  statusField,
} from "../../src/host/privileges.ts";
import { constantsOfC } from "../support/compile.ts";

const all = [
  ...["CAP_NET_ADMIN", "CAP_SYS_MODULE", "CAP_SYS_ADMIN", "CAP_SYS_RESOURCE", "CAP_SYSLOG"],
  ...["CAP_PERFMON", "CAP_BPF"],
];

describe("capabilities", () => {
  test.each([
    ["root's", "000001ffffffffff", 40, all, []],
    ["none", "0000000000000000", 40, [], all],
    ["without CAP_SYS_RESOURCE", "000001fffeffffff", 40, all.toSpliced(3, 1), ["CAP_SYS_RESOURCE"]],
    ["a container's", "00000000a80425fb", 40, [], all],
    ["CAP_BPF alone", "0000008000000000", 40, ["CAP_BPF"], all.slice(0, -1)],
    // Before 5.8 the last one is CAP_AUDIT_READ (37): what the kernel does not know cannot be missing.
    ["root's of an old kernel", "0000003fffffffff", 37, all.slice(0, -2), []],
  ])("%s", (_, effective, last, held, missing) => {
    expect(readCapabilities(effective, last)).toEqual({ held, missing });
  });

  test("each has the number that linux/capability.h gives it", () => {
    const dir = mkdtempSync(join(tmpdir(), "privileges-test-"));
    try {
      for (const [name, number] of Object.entries(constantsOfC(dir, ["linux/capability.h"], all))) {
        expect(readCapabilities((1n << BigInt(number)).toString(16), 63).held).toEqual([name]);
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

const status =
  "Name:\tSeccomp: 2\nUid:\t1000\t0\t1000\t1000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

test("a field of /proc/self/status is found by its whole name, at the beginning of a line", () => {
  expect(statusField(status, "Seccomp")).toBe("2");
  expect(statusField(status, "Uid", 1)).toBe("0");
  expect(statusField(status, "CapEff")).toBeUndefined();
});

test.each([
  ["Max locked memory         8388608              8388608              bytes     \n", 8388608, 8388608],
  ["Max locked memory         65536                unlimited            bytes     \n", 65536, null],
  ["Max locked memory         unlimited            unlimited            bytes     \n", null, null],
])("%j", (line, soft, hard) => {
  const limits = `Limit                     Soft Limit           Hard Limit           Units     \n${line}`;
  expect(readLockedMemory(limits)).toEqual({ soft, hard });
});

test("a limit that is not told is not guessed", () => {
  expect(readLockedMemory("Limit                     Soft Limit\n")).toBeUndefined();
});

test("of this process: what prlimit(1) says of it too", () => {
  const { uid, lockedMemory } = readPrivileges();
  const limits = Bun.spawnSync(["prlimit", "--memlock", "--noheadings", "--raw", "--output=SOFT,HARD"]);
  const bytes = limits.stdout
    .toString()
    .trim()
    .split(" ")
    .map((text) => (text === "unlimited" ? null : Number(text)));
  expect(uid).toBe(process.geteuid?.() ?? -1);
  expect(lockedMemory).toEqual({ soft: bytes[0] ?? null, hard: bytes[1] ?? null });
});

test.each([
  ["kernel/net/netfilter/ipset/ip_set.ko: kernel/net/netfilter/nfnetlink.ko\n", true],
  ["kernel/net/a.ko:\nkernel/net/netfilter/ipset/ip_set.ko.xz: kernel/net/netfilter/nfnetlink.ko.xz\n", true],
  ["/lib/modules/4.15.0/kernel/net/netfilter/ipset/ip_set.ko:\n", true],
  ["kernel/net/netfilter/ipset/ip_set_hash_ip.ko: kernel/net/netfilter/ipset/ip_set.ko\n", false],
  ["kernel/net/sched/em_ipset.ko: kernel/net/netfilter/ipset/ip_set.ko\n", false],
  ["", false],
])("modules.dep %j has ip_set: %p", (index, listed) => {
  expect(listsIpset(index)).toBe(listed);
});
