// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the BPF ring buffer (Linux 5.8) in place. All CPUs share one ring, and its records are in order.
// Layout (kernel/bpf/ringbuf.c): page 0 has the consumer position, which this process writes. Page 1 has the
// producer position, which the kernel writes. The data follows. It is mapped twice in a row, so no record is
// split.
// All mapped pages count as resident, so this module maps the data in slices.
// This process may write only to page 0, and Atomics.load() writes. In hot code JavaScriptCore compiles it to
// an exchange-and-add of zero, which faults on read-only pages. So plain reads and a fence replace it.

import { type BufferSize, type EventBuffer, type RecordHandler, sizeText } from "./event-buffer.ts";
import { type Mapping, mapShared, pageSize, waitReadable } from "./ffi/libc.ts";

const BUSY = 0x80000000; // BPF_RINGBUF_BUSY_BIT: reserved, not yet committed
const DISCARDED = 0x40000000; // BPF_RINGBUF_DISCARD_BIT
/** Bytes of a slice. Its mapping is longer by the size of the largest record. */
const SLICE_BYTES = 512 * 1024;
const RECORD_MAX = 64 * 1024;
const HEADER_SIZE = 8; // u32 length and flags, u32 page offset
/** Maximum bytes to consume in a drain before their space is freed. */
const RELEASE_BYTES = 256 * 1024;

const fenced = new Int32Array(1);
/** Orders later reads after earlier reads. It is the acquire that pairs with the kernel's release. */
const fence = (): void => {
  Atomics.add(fenced, 0, 0);
};

interface Slice {
  /** Byte offset in the ring. */
  start: number;
  mapping: Mapping;
  view: DataView;
}

export class RingBuffer implements EventBuffer {
  readonly size: BufferSize;
  readonly description: string;
  /** Always 0. The BPF program counts lost records itself, because bpf_ringbuf_output() fails for them. */
  readonly lost = 0;
  readonly #fd: number;
  readonly #bytes: number;
  readonly #page = pageSize();
  readonly #positions: DisposableStack;
  readonly #consumer: BigInt64Array;
  readonly #producer: BigInt64Array;
  #slice: Slice | undefined;
  /** Bytes consumed since the ring was made: the kernel's `consumer_pos`. */
  #position = 0;

  /**
   * @param fd a map of type BPF_MAP_TYPE_RINGBUF.
   * @param bytes the size of the map.
   */
  constructor(fd: number, bytes: number) {
    this.size = { kind: "ring", count: 1, bytes };
    this.description = `ring buffer of ${sizeText(bytes)}`;
    this.#bytes = bytes;
    this.#fd = fd;
    using stack = new DisposableStack();
    const ours = stack.use(mapShared(this.#fd, this.#page, 0, "write"));
    const theirs = stack.use(mapShared(this.#fd, this.#page, this.#page, "read"));
    this.#positions = stack.move();
    this.#consumer = new BigInt64Array(ours.bytes, 0, 1);
    this.#producer = new BigInt64Array(theirs.bytes, 0, 1);
  }

  /** Returns the slice that contains this byte offset of the ring. */
  #sliceAt(at: number): Slice {
    const start = at - (at % SLICE_BYTES);
    if (this.#slice?.start !== start) {
      this.#slice?.mapping[Symbol.dispose]();
      this.#slice = undefined;
      const length = Math.min(Math.min(SLICE_BYTES, this.#bytes) + RECORD_MAX, 2 * this.#bytes - start);
      const mapping = mapShared(this.#fd, length, 2 * this.#page + start, "read");
      this.#slice = { start, mapping, view: new DataView(mapping.bytes) };
    }
    return this.#slice;
  }

  drain(handle: RecordHandler): number {
    const end = Number(this.#producer[0]);
    fence();
    let records = 0;
    let released = this.#position;
    let wanted = true;
    while (wanted && this.#position < end) {
      const inRing = this.#position % this.#bytes;
      const { view, start } = this.#sliceAt(inRing);
      const at = inRing - start;
      const header = view.getUint32(at, true);
      if (header & BUSY) break;
      fence();
      const size = header & ~(BUSY | DISCARDED);
      if (!(header & DISCARDED)) {
        wanted = handle(view, at + HEADER_SIZE, size);
        records += 1;
      }
      this.#position += (HEADER_SIZE + size + 7) & ~7;
      if (this.#position - released >= RELEASE_BYTES) {
        this.#release();
        released = this.#position;
      }
    }
    this.#release();
    return records;
  }

  #release(): void {
    Atomics.store(this.#consumer, 0, BigInt(this.#position));
  }

  wait(timeoutMs: number): void {
    waitReadable(this.#fd, timeoutMs);
  }

  [Symbol.dispose](): void {
    this.#positions.dispose();
    this.#slice?.mapping[Symbol.dispose]();
    this.#slice = undefined;
  }
}
