// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Kernel versions as text and as numbers. Prefer to try a feature: a version is only the last resort.
import { release } from "node:os";
import { vdsoVersionCode } from "./ffi/vdso.ts";

/** [major, minor, patch] */
export type KernelVersion = readonly [number, number, number];

/**
 * Returns the version at the start of "4.15", "4.15.18" or "4.15.0-213-generic"; undefined if there is none.
 */
export function parseKernelVersion(text: string): KernelVersion | undefined {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

export function isBefore(a: KernelVersion, b: KernelVersion): boolean {
  return (a[0] - b[0] || a[1] - b[1] || a[2] - b[2]) < 0;
}

/** Encodes a version like KERNEL_VERSION() of linux/version.h, which caps patch at 255. */
export function kernelVersionCode([major, minor, patch]: KernelVersion): number {
  return (major << 16) + (minor << 8) + Math.min(patch, 255);
}

/** The version code that bpf(2) gets. A kernel before 5.0 compares it with its own LINUX_VERSION_CODE. */
export interface ToldVersion {
  /** Undefined if no code is known. libbpf then uses the version of uname(2). */
  code: number | undefined;
  /** Whether the code is known to differ from the kernel's own. */
  isWrong: boolean;
}

/** Chooses the version code for bpf(2). @param named the version that the user named, if any. */
export function toldVersion(named: KernelVersion | undefined): ToldVersion {
  const own = isBefore(runningKernel(), [5, 0, 0]) ? vdsoVersionCode() : undefined;
  const code = named ? kernelVersionCode(named) : own;
  return { code, isWrong: own !== undefined && code !== own };
}

export function runningKernel(): KernelVersion {
  return parseKernelVersion(release()) ?? [0, 0, 0];
}
