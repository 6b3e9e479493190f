// Kernel versions as text and as numbers. Versions are a last resort: prefer to try the thing.
import { release } from "node:os";
import { vdsoVersionCode } from "./ffi/vdso.ts";

/** [major, minor, patch] */
export type KernelVersion = readonly [number, number, number];

/** @returns the version that "4.15", "4.15.18" or "4.15.0-213-generic" begins with. */
export function parseKernelVersion(text: string): KernelVersion | undefined {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)] : undefined;
}

export function isBefore(a: KernelVersion, b: KernelVersion): boolean {
  return (a[0] - b[0] || a[1] - b[1] || a[2] - b[2]) < 0;
}

/** KERNEL_VERSION() of linux/version.h: patch is capped at 255, as there. */
export function kernelVersionCode([major, minor, patch]: KernelVersion): number {
  return (major << 16) + (minor << 8) + Math.min(patch, 255);
}

/** What a kernel before 5.0 compares with its own: LINUX_VERSION_CODE. */
export interface ToldVersion {
  /** Undefined where nothing is known: libbpf then tells what uname(2) says. */
  code: number | undefined;
  /** It is known to be another one than the kernel's. */
  isWrong: boolean;
}

/** @param named by the user, in place of what the kernel itself says. */
export function toldVersion(named: KernelVersion | undefined): ToldVersion {
  const own = isBefore(runningKernel(), [5, 0, 0]) ? vdsoVersionCode() : undefined;
  const code = named ? kernelVersionCode(named) : own;
  return { code, isWrong: own !== undefined && code !== own };
}

export function runningKernel(): KernelVersion {
  return parseKernelVersion(release()) ?? [0, 0, 0];
}
