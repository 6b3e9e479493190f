// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the perf buffer (Linux 4.4) in place. It has one ring per CPU. libbpf opens and maps the rings. This
// module reads the records from them without libbpf's callbacks.
// Layout: struct perf_event_mmap_page in linux/perf_event.h. A record may be split at the end of its ring.

import { type BufferSize, type EventBuffer, type RecordHandler, sizeText } from "./event-buffer.ts";
import type { PerfRings } from "./ffi/libbpf.ts";
import { readClocks, waitReadable } from "./ffi/libc.ts";

/** Bytes of the largest record. */
const RECORD_MAX = 64 * 1024;

const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;
const DATA_HEAD = 1024; // offsetof(struct perf_event_mmap_page, data_head)
const DATA_TAIL = 1032;
const HEADER_SIZE = 8; // struct perf_event_header { u32 type; u16 misc; u16 size; }
const RAW_OFFSET = HEADER_SIZE + 4; // a raw sample: header, u32 size, bytes
const LOST_OFFSET = HEADER_SIZE + 8; // PERF_RECORD_LOST: header, u64 id, u64 lost

class CpuRing {
  readonly #head: BigUint64Array;
  readonly #tail: BigUint64Array;
  readonly #data: Uint8Array;
  readonly #dataView: DataView;
  /** Buffer that joins the two parts of a split record. */
  readonly #joined: DataView;
  #position = 0;
  #end = 0;

  constructor(memory: ArrayBuffer, dataOffset: number, size: number) {
    this.#head = new BigUint64Array(memory, DATA_HEAD, 1);
    this.#tail = new BigUint64Array(memory, DATA_TAIL, 1);
    this.#data = new Uint8Array(memory, dataOffset, size);
    this.#dataView = new DataView(memory, dataOffset, size);
    this.#joined = new DataView(new ArrayBuffer(65536)); // a record's size is a u16
  }

  /** Reads the kernel's write position. */
  refresh(): void {
    this.#end = Number(Atomics.load(this.#head, 0));
  }

  /** Returns the next record, whole, either in place or joined; undefined if there is none. */
  peek(): { view: DataView; at: number; type: number; size: number } | undefined {
    if (this.#position >= this.#end) return undefined;
    const at = this.#position % this.#data.length;
    const type = this.#dataView.getUint32(at, true);
    const size = this.#dataView.getUint16(at + 6, true);
    const overhang = at + size - this.#data.length;
    if (overhang <= 0) return { view: this.#dataView, at, type, size };
    const joined = new Uint8Array(this.#joined.buffer);
    joined.set(this.#data.subarray(at));
    joined.set(this.#data.subarray(0, overhang), size - overhang);
    return { view: this.#joined, at: 0, type, size };
  }

  skip(size: number): void {
    this.#position += size;
  }

  release(): void {
    Atomics.store(this.#tail, 0, BigInt(this.#position));
  }
}

/** Minimum bytes of a ring: the size of the largest record. */
export const PERF_RING_MIN = RECORD_MAX;

/**
 * Returns the number of pages that fit into these bytes, rounded down. The kernel requires a power of two.
 */
export const pagesIn = (bytes: number, pageBytes: number): number =>
  2 ** Math.floor(Math.log2(bytes / pageBytes));

export class PerfBuffer implements EventBuffer {
  readonly size: BufferSize;
  readonly description: string;
  lost = 0;
  readonly #memory: PerfRings;
  readonly #timeOffset: number | undefined;
  readonly #rings: CpuRing[];

  /**
   * @param timeOffset byte offset in each record of its time: a u64, nanoseconds of CLOCK_MONOTONIC
   *   (bpf_ktime_get_ns()). Undefined if the records have no time.
   */
  constructor(memory: PerfRings, timeOffset: number | undefined) {
    this.#memory = memory;
    this.#timeOffset = timeOffset;
    this.#rings = memory.rings.map(({ memory, dataOffset, bytes }) => new CpuRing(memory, dataOffset, bytes));
    const { length: count } = memory.rings;
    const bytes = memory.rings[0]?.bytes ?? 0;
    this.size = { kind: "perf", count, bytes };
    this.description = `perf buffer of ${count} x ${sizeText(bytes)}`;
  }

  /**
   * Merges the rings by time. A record newer than the start of this drain waits for the next drain. An older
   * record may have arrived meanwhile in a ring that was already read.
   */
  drain(handle: RecordHandler): number {
    const { monotonicNs } = readClocks();
    for (const ring of this.#rings) ring.refresh();
    let records = 0;
    for (let wanted = true; wanted; ) {
      const ring = this.#oldest(monotonicNs);
      const record = ring?.peek();
      if (!ring || !record) break;
      wanted = handle(record.view, record.at + RAW_OFFSET, record.size - RAW_OFFSET);
      ring.skip(record.size);
      records += 1;
    }
    for (const ring of this.#rings) ring.release();
    return records;
  }

  #oldest(notAfterNs: bigint): CpuRing | undefined {
    let oldest: CpuRing | undefined;
    let oldestNs = notAfterNs;
    for (const ring of this.#rings) {
      const ns = this.#nextSampleNs(ring);
      if (ns !== undefined && ns <= oldestNs) {
        oldest = ring;
        oldestNs = ns;
      }
    }
    return oldest;
  }

  /**
   * Skips records that are not samples.
   * @returns the time of the next sample in this ring, in nanoseconds.
   */
  #nextSampleNs(ring: CpuRing): bigint | undefined {
    for (let record = ring.peek(); record; record = ring.peek()) {
      const { view, at, type, size } = record;
      if (type === PERF_RECORD_SAMPLE) {
        return this.#timeOffset === undefined
          ? 0n
          : view.getBigUint64(at + RAW_OFFSET + this.#timeOffset, true);
      }
      if (type === PERF_RECORD_LOST) this.lost += Number(view.getBigUint64(at + LOST_OFFSET, true));
      ring.skip(size);
    }
    return undefined;
  }

  wait(timeoutMs: number): void {
    waitReadable(this.#memory.epollFd, timeoutMs);
  }

  [Symbol.dispose](): void {
    this.#rings.length = 0;
    this.#memory[Symbol.dispose]();
  }
}
