// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Buffers that carry events from the kernel. The kernel shares their memory with this process, which reads
// them in place. Ring buffers and perf buffers have the same interface.
import { openPerfRings } from "./ffi/libbpf.ts";
import { pageSize } from "./ffi/libc.ts";
import type { LoadedMap, MapShape } from "./map.ts";
import { PerfBuffer, pagesIn } from "./perf-buffer.ts";
import { RingBuffer } from "./ring-buffer.ts";

/**
 * Receives a record. Its bytes are view[at .. at + size), and they are valid only during the call.
 * @returns true to receive the next record; false to keep the rest for the next drain.
 */
export type RecordHandler = (view: DataView, at: number, size: number) => boolean;

export interface BufferSize {
  kind: "ring" | "perf";
  /** Number of rings: one for the machine, or one per CPU. */
  count: number;
  /** Bytes of each ring. */
  bytes: number;
}

export interface EventBuffer extends Disposable {
  readonly size: BufferSize;
  /** For people: "ring buffer of 8 MiB". */
  readonly description: string;
  /**
   * Number of records that found no space in the buffer. Only a perf buffer counts them itself. For a ring
   * buffer, bpf_ringbuf_output() fails, and the BPF program counts that.
   */
  readonly lost: number;
  /**
   * Hands over the records, oldest first, and frees their space. It ends at the records that were there at
   * its start, so that the caller can handle signals.
   * @returns the number of records.
   */
  drain(handle: RecordHandler): number;
  /** Waits for records, for at most timeoutMs milliseconds. */
  wait(timeoutMs: number): void;
}

/** enum bpf_map_type of linux/bpf.h. */
export const MAP_TYPE = { perfEventArray: 4, ringbuf: 27 } as const;

/**
 * Opens the buffer behind a map: a ring buffer (Linux 5.8) or a perf buffer (Linux 4.4).
 * @param cpuBytes of a perf buffer: bytes of each CPU's ring. The number of pages is rounded down to a power
 *   of two.
 * @param timeOffset of a perf buffer: byte offset in each record of its time, a u64 of bpf_ktime_get_ns().
 *   This time orders the records of several CPUs. Without it the records come CPU by CPU.
 * @throws CallError if the kernel refuses to map the buffer.
 */
export function openEventBuffer(
  map: LoadedMap<MapShape>,
  { cpuBytes = 256 * 1024, timeOffset }: { cpuBytes?: number; timeOffset?: number | undefined } = {},
): EventBuffer {
  return map.info.type === MAP_TYPE.ringbuf
    ? new RingBuffer(map.fd, map.info.maxEntries)
    : new PerfBuffer(openPerfRings(map.fd, pagesIn(cpuBytes, pageSize()), pageSize()), timeOffset);
}

/** Returns the size with its unit: "64 KiB", "8 MiB". */
export const sizeText = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`;
