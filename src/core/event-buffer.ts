// The way of events from the kernel: memory that it shares with us, read in place. Two kinds, one shape.
import { openPerfRings } from "./ffi/libbpf.ts";
import { pageSize } from "./ffi/libc.ts";
import type { LoadedMap, MapShape } from "./map.ts";
import { PerfBuffer, pagesIn } from "./perf-buffer.ts";
import { RingBuffer } from "./ring-buffer.ts";

/**
 * Receives a record: the bytes are at view[at .. at + size), and valid only during the call.
 * @returns whether another one is wanted; the rest stays for the next drain.
 */
export type RecordHandler = (view: DataView, at: number, size: number) => boolean;

export interface BufferSize {
  kind: "ring" | "perf";
  /** One for the machine, or one for each CPU. */
  count: number;
  /** Bytes of each. */
  bytes: number;
}

export interface EventBuffer extends Disposable {
  readonly size: BufferSize;
  /** "ring buffer of 8 MiB" */
  readonly description: string;
  /**
   * Records that the buffer had no space for, as far as the buffer itself counts them: those of a perf buffer. A BPF
   * program learns of the others at once (bpf_ringbuf_output() fails), and counts them itself.
   */
  readonly lost: number;
  /**
   * Hands over the records, oldest first, and frees their space. Ends when it has reached the records that were there
   * at its start, so that the caller gets to look at signals.
   * @returns how many records there were.
   */
  drain(handle: RecordHandler): number;
  /** Waits for records, at most timeoutMs. */
  wait(timeoutMs: number): void;
}

/** enum bpf_map_type of linux/bpf.h. */
export const MAP_TYPE = { perfEventArray: 4, ringbuf: 27 } as const;

/**
 * Opens the buffer behind a map: a ring buffer (Linux 5.8) or a perf buffer (4.4).
 * @param cpuBytes of a perf buffer: bytes for the ring of each CPU, rounded down to a power of two of pages.
 * @param timeOffset of a perf buffer: where each record has a u64 with its time (bpf_ktime_get_ns()), which orders the
 *   records of several CPUs. Without it records come CPU by CPU.
 */
export function openEventBuffer(
  map: LoadedMap<MapShape>,
  { cpuBytes = 256 * 1024, timeOffset }: { cpuBytes?: number; timeOffset?: number | undefined } = {},
): EventBuffer {
  return map.info.type === MAP_TYPE.ringbuf
    ? new RingBuffer(map.fd, map.info.maxEntries)
    : new PerfBuffer(openPerfRings(map.fd, pagesIn(cpuBytes, pageSize()), pageSize()), timeOffset);
}

/** "64 KiB", "8 MiB" */
export const sizeText = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`;
