// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads facts about this host from /proc and /sys.
import { existsSync, readFileSync, readlinkSync, statSync } from "node:fs";

/** Returns the text of the file; undefined if it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Returns the kernel lockdown mode: "none", "integrity" or "confidentiality". The result is undefined if the
 * kernel does not report it.
 */
export function lockdownMode(): string | undefined {
  const text = readText("/sys/kernel/security/lockdown") ?? "";
  return /\[(\w+)\]/.exec(text)?.[1]; // the current mode is in brackets
}

export const hasKprobePmu = (): boolean => existsSync("/sys/bus/event_source/devices/kprobe/type");

/** Returns whether ip_set is built in or loaded as a module. */
export const hasIpset = (): boolean => existsSync("/sys/module/ip_set");

/** PROC_PID_INIT_INO of linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/** Returns whether process ids here are those that the kernel's BPF helpers return. */
export function isInitialPidNamespace(): boolean {
  try {
    return readlinkSync("/proc/self/ns/pid") === INITIAL_PID_NAMESPACE;
  } catch {
    return false;
  }
}

/** Returns the id of this boot, which no other boot of any host has; undefined if /proc does not have it. */
export const bootId = (): string | undefined => readText("/proc/sys/kernel/random/boot_id")?.trim();

/** Returns the inode number of mine's network namespace; undefined if /proc does not have it. */
export function ownNetns(): number | undefined {
  try {
    return statSync("/proc/self/ns/net").ino;
  } catch {
    return undefined;
  }
}

/**
 * Returns whether ip_set is a module, not built in. Only a module's symbols may be qualified with its name.
 */
export const ipsetIsModule = (): boolean => existsSync("/sys/module/ip_set/coresize");

/**
 * Returns whether the kernel has the BTF of the handlers. A BTF file does not help: trampolines need the
 * kernel's own.
 */
export const hasIpsetBtf = (): boolean =>
  existsSync(`/sys/kernel/btf/${ipsetIsModule() ? "ip_set" : "vmlinux"}`);

/** Returns a number that changes when ip_set is loaded again; undefined while it is not loaded. */
export const ipsetIdentity = (): bigint | undefined =>
  statSync("/sys/module/ip_set", { bigint: true, throwIfNoEntry: false })?.ino;

/**
 * Returns whether kprobes are switched off globally. They can then be made, but never fire. Only debugfs
 * shows this: the result is false if it is not mounted.
 */
export const kprobesAreOff = (): boolean => readText("/sys/kernel/debug/kprobes/enabled")?.trim() === "0";
