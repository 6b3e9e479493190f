// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Sizes of the event buffer, in bytes for the whole machine.
import { PERF_RING_MIN } from "bun-libbpf";

const KiB = 1024;
const MiB = 1024 * KiB;

export const BUFFER = {
  /** Default: holds tens of thousands of single additions. */
  default: 8 * MiB,
  /** Min ring buffer, if the kernel refuses larger ones. */
  ringMin: 512 * KiB,
  /** Limits of --buffer. The min holds a few of the largest events. */
  min: 64 * KiB,
  max: 1024 * MiB,
} as const;

/** Default perf buffers: bytes of the whole machine, and the limits for each CPU. */
const PERF = { total: 16 * MiB, cpuMin: 256 * KiB, cpuMax: 4 * MiB } as const;

/**
 * Returns bytes for the perf ring of each CPU.
 * @param asked bytes for the whole machine; undefined for the default.
 */
export const cpuBytes = (cpus: number, asked: number | undefined): number =>
  asked === undefined
    ? Math.min(Math.max(PERF.total / cpus, PERF.cpuMin), PERF.cpuMax)
    : Math.max(asked / cpus, PERF_RING_MIN);
