// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the privileges of this process from /proc. They explain an EPERM. The uid does not: root in a
// container or a user namespace has uid 0, but it lacks the capabilities that count.
import { readFileSync, readlinkSync } from "node:fs";
import { readText } from "./sysfs.ts";

/** Capabilities of linux/capability.h that matter for BPF, probes, ip_set and the self-test. */
const capabilityBits = {
  CAP_NET_ADMIN: 12, // ipset commands
  CAP_SYS_MODULE: 16, // to load ip_set
  CAP_SYS_ADMIN: 21, // BPF and perf events before Linux 5.8, namespaces
  CAP_SYS_RESOURCE: 24, // to raise RLIMIT_MEMLOCK
  CAP_SYSLOG: 34, // addresses of the kernel
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

/** PROC_USER_INIT_INO of linux/proc_ns.h: the same on every kernel since 3.8. */
const INITIAL_USER_NAMESPACE = "user:[4026531837]";

const seccompModes = ["none", "strict", "filter"] as const;

/**
 * Returns which of the capabilities above are held and which are missing.
 * @param effective "CapEff" of /proc/self/status: bits in hexadecimal.
 * @param last the highest capability that the kernel knows. Newer capabilities do not count as missing.
 */
export function readCapabilities(effective: string, last: number): { held: string[]; missing: string[] } {
  const bits = BigInt(`0x${effective}`);
  const known = Object.entries(capabilityBits).filter(([, bit]) => bit <= last);
  const names = (isHeld: boolean) =>
    known.filter(([, bit]) => ((bits >> BigInt(bit)) & 1n) === (isHeld ? 1n : 0n)).map(([name]) => name);
  return { held: names(true), missing: names(false) };
}

/**
 * Returns a value from a line of /proc/self/status such as "Seccomp:\t0".
 * @param index the position of the value in a line with several.
 */
export function statusField(status: string, name: string, index = 0): string | undefined {
  const values = new RegExp(`^${name}:\\s*(.*)`, "m").exec(status)?.[1];
  return values?.split("\t")[index];
}

/** Returns the effective capabilities of this process: bit N is capability N. */
export const effectiveCapabilities = (): bigint =>
  BigInt(`0x${statusField(readText("/proc/self/status") ?? "", "CapEff") ?? "0"}`);

/**
 * Returns the limits of "Max locked memory" in /proc/self/limits, in bytes; null is unlimited.
 * @returns undefined if the line is missing.
 */
export function readLockedMemory(limits: string): { soft: number | null; hard: number | null } | undefined {
  const [, soft = "", hard = ""] = /^Max locked memory +(\S+) +(\S+)/m.exec(limits) ?? [];
  if (soft === "") return undefined;
  const bytes = (text: string) => (text === "unlimited" ? null : Number(text));
  return { soft: bytes(soft), hard: bytes(hard) };
}

export interface Privileges {
  /** Effective uid. */
  uid: number;
  capabilities: ReturnType<typeof readCapabilities>;
  userNamespace: "initial" | "other";
  /** Undefined if the kernel has no seccomp. */
  seccomp: (typeof seccompModes)[number] | undefined;
  noNewPrivileges: boolean;
  lockedMemory: ReturnType<typeof readLockedMemory>;
}

/** Reads the privileges of this process from /proc. It is mounted: libbpf is loaded through /proc/self/fd. */
export function readPrivileges(): Privileges {
  const status = readFileSync("/proc/self/status", "utf8");
  const lastCapability = Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8"));
  return {
    uid: Number(statusField(status, "Uid", 1)),
    capabilities: readCapabilities(statusField(status, "CapEff") ?? "0", lastCapability),
    userNamespace: userNamespace(),
    seccomp: seccompModes[Number(statusField(status, "Seccomp"))],
    noNewPrivileges: statusField(status, "NoNewPrivs") === "1",
    lockedMemory: readLockedMemory(readFileSync("/proc/self/limits", "utf8")),
  };
}

/**
 * Returns the kind of user namespace. A kernel without them has no such file, and all processes are in the
 * initial one.
 */
function userNamespace(): "initial" | "other" {
  try {
    return readlinkSync("/proc/self/ns/user") === INITIAL_USER_NAMESPACE ? "initial" : "other";
  } catch {
    return "initial";
  }
}
