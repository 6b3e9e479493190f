// Sizes of the event buffer, in bytes for the whole machine.
import { PERF_RING_MIN } from "../core/perf-buffer.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

export const BUFFER = {
  /** Holds tens of thousands of single additions. */
  default: 8 * MiB,
  /** The least that is tried where the kernel refuses the default. */
  ringMin: 512 * KiB,
  /** What --buffer accepts: the least holds a few of the largest events. */
  min: 64 * KiB,
  max: 1024 * MiB,
} as const;

/** Of perf buffers: for the whole machine, and the bounds of each CPU's part of it. */
const PERF = { total: 16 * MiB, cpuMin: 256 * KiB, cpuMax: 4 * MiB } as const;

/**
 * Returns bytes for the perf ring of each CPU.
 * @param asked bytes for the whole machine; undefined for the default.
 */
export const cpuBytes = (cpus: number, asked: number | undefined): number =>
  asked === undefined
    ? Math.min(Math.max(PERF.total / cpus, PERF.cpuMin), PERF.cpuMax)
    : Math.max(asked / cpus, PERF_RING_MIN);
