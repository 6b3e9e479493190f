// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
import { readText } from "../host/sysfs.ts";

/**
 * Returns a random number that is not 0, so that no other process can guess it. It does not use getrandom(2), which
 * can block for a minute after boot.
 */
export function randomNumber(): number {
  const uuid = readText("/proc/sys/kernel/random/uuid") ?? "";
  return Number.parseInt(uuid.slice(0, 8), 16) || Date.now() % 2 ** 32 || 1;
}
