// What this host is and allows: facts read from /proc and /sys, each a small question.
import { existsSync, statSync } from "node:fs";
import { readText } from "../core/files.ts";

/** Kernel lockdown: "none", "integrity" or "confidentiality"; undefined where it is not told. */
export function lockdownMode(): string | undefined {
  const text = readText("/sys/kernel/security/lockdown") ?? "";
  return /\[(\w+)\]/.exec(text)?.[1]; // the one in force is in brackets
}

export const hasKprobePmu = (): boolean => existsSync("/sys/bus/event_source/devices/kprobe/type");

/** Built in, or a module that is loaded. */
export const hasIpset = (): boolean => existsSync("/sys/module/ip_set");

/** The inode number of the network namespace that mine runs in; undefined where /proc does not tell. */
export function ownNetns(): number | undefined {
  try {
    return statSync("/proc/self/ns/net").ino;
  } catch {
    return undefined;
  }
}

/** A module (rather than built in): only then may its symbols be qualified with its name. */
export const ipsetIsModule = (): boolean => existsSync("/sys/module/ip_set/coresize");

/** The kernel itself carries the types of the handlers. A BTF file does not help: trampolines need the kernel's own. */
export const hasIpsetBtf = (): boolean =>
  existsSync(`/sys/kernel/btf/${ipsetIsModule() ? "ip_set" : "vmlinux"}`);

/** Changes when ip_set is unloaded and loaded again; undefined while it is not there. */
export const ipsetIdentity = (): bigint | undefined =>
  statSync("/sys/module/ip_set", { bigint: true, throwIfNoEntry: false })?.ino;

/** Someone has switched all kprobes off: they can still be made, and never fire. Only told where debugfs is mounted. */
export const kprobesAreOff = (): boolean => readText("/sys/kernel/debug/kprobes/enabled")?.trim() === "0";
