// The perf buffer (Linux 4.4), one ring per CPU, read in place. libbpf opens and maps the rings; records are
// then taken from them here, without its callbacks.
// Layout: struct perf_event_mmap_page in linux/perf_event.h; a record may be split at the end of its ring.
import { mineEvent } from "../events/skeleton.gen.ts";
import { checkPointer, checkResult } from "../ffi/libbpf.ts";
import { pageSize, readClocks, waitReadable } from "../ffi/libc.ts";
import { type Address, memoryAt } from "../ffi/memory.ts";
import { type BufferSize, type EventBuffer, type RecordHandler, sizeText } from "./event-buffer.ts";
import type { BpfObject } from "./object.ts";

/** For the whole machine; each CPU gets its part of it, within bounds. */
const TOTAL_BYTES = 16 * 1024 * 1024;
const CPU_BYTES = { least: 256 * 1024, most: 4 * 1024 * 1024 } as const;
/** What the largest record needs. */
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
  /** A split record is put together here. */
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

  /** Looks how far the kernel has come. */
  refresh(): void {
    this.#end = Number(Atomics.load(this.#head, 0));
  }

  /** @returns the next record, whole, at its place or joined; undefined when there is none. */
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

/**
 * @param asked bytes for the whole machine; undefined for what suits most.
 * @returns bytes for the ring of each CPU.
 */
export const cpuBytes = (cpus: number, asked: number | undefined): number =>
  asked === undefined
    ? Math.min(Math.max(TOTAL_BYTES / cpus, CPU_BYTES.least), CPU_BYTES.most)
    : Math.max(asked / cpus, RECORD_MAX);

export class PerfBuffer implements EventBuffer {
  readonly size: BufferSize;
  readonly description: string;
  lost = 0;
  readonly #object: BpfObject;
  readonly #address: Address;
  readonly #epollFd: number;
  readonly #rings: CpuRing[];

  /** @param cpuBytes for the ring of each CPU; rounded down to what the kernel takes: a power of two. */
  constructor(object: BpfObject, cpuBytes: number) {
    const { lib } = object;
    const page = pageSize();
    const pages = 2 ** Math.floor(Math.log2(cpuBytes / page));
    this.#object = object;
    this.#address = checkPointer(
      lib,
      "perf_buffer__new",
      lib.perf_buffer__new(object.mapFd("events"), pages, null, null, null, null),
    );
    this.#epollFd = checkResult("perf_buffer__epoll_fd", lib.perf_buffer__epoll_fd(this.#address));
    const count = Number(lib.perf_buffer__buffer_cnt(this.#address));
    this.#rings = Array.from({ length: count }, (_, index) => this.#map(index, page));
    this.size = { kind: "perf", count, bytes: pages * page };
    this.description = `perf buffer of ${count} x ${sizeText(pages * page)}`;
  }

  #map(index: number, page: number): CpuRing {
    const base = new BigUint64Array(1);
    const length = new BigUint64Array(1);
    checkResult(
      "perf_buffer__buffer",
      this.#object.lib.perf_buffer__buffer(this.#address, index, base, length),
    );
    const size = Number(length[0]);
    return new CpuRing(memoryAt(Number(base[0]) as Address, page + size), page, size);
  }

  /**
   * Merges the rings by time. A record younger than the start of this drain waits for the next one: an older
   * one may just have arrived in a ring that was looked at before.
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

  /** Passes over what is not a sample. @returns when the next one in this ring was made. */
  #nextSampleNs(ring: CpuRing): bigint | undefined {
    for (let record = ring.peek(); record; record = ring.peek()) {
      const { view, at, type, size } = record;
      if (type === PERF_RECORD_SAMPLE) return view.getBigUint64(at + RAW_OFFSET + mineEvent.tsNs[0], true);
      if (type === PERF_RECORD_LOST) this.lost += Number(view.getBigUint64(at + LOST_OFFSET, true));
      ring.skip(size);
    }
    return undefined;
  }

  wait(timeoutMs: number): void {
    waitReadable(this.#epollFd, timeoutMs);
  }

  [Symbol.dispose](): void {
    if (this.#rings.length === 0) return;
    this.#rings.length = 0;
    this.#object.lib.perf_buffer__free(this.#address);
  }
}
