// The BPF ring buffer (Linux 5.8), read in place. One for all CPUs, records in order.
// Layout: kernel/bpf/ringbuf.c. Page 0 of the map is ours (consumer position), the next is the kernel's
// (producer position), then the data, twice in a row so that no record is ever split. All that is mapped counts as
// resident, so the data is mapped slice by slice.
// The trap: only page 0 may be written, and Atomics.load() writes. Once hot, JavaScriptCore compiles it to an
// exchange-and-add of zero, which faults on the read-only pages; they are read plainly, then fenced.

import { type BufferSize, type EventBuffer, type RecordHandler, sizeText } from "./event-buffer.ts";
import { type Mapping, mapShared, pageSize, waitReadable } from "./ffi/libc.ts";

const BUSY = 0x80000000; // BPF_RINGBUF_BUSY_BIT: reserved, not yet committed
const DISCARDED = 0x40000000; // BPF_RINGBUF_DISCARD_BIT
/** So much is mapped at once, and what one record needs beyond it. */
const SLICE_BYTES = 512 * 1024;
const RECORD_MAX = 64 * 1024;
const HEADER_SIZE = 8; // u32 length and flags, u32 page offset
/** Give room back at least this often within one drain. */
const RELEASE_BYTES = 256 * 1024;

const fenced = new Int32Array(1);
/** What is read from here on is read after what was read before: the acquire that the kernel's release needs. */
const fence = (): void => {
  Atomics.add(fenced, 0, 0);
};

interface Slice {
  /** Where it begins in the ring. */
  start: number;
  mapping: Mapping;
  view: DataView;
}

export class RingBuffer implements EventBuffer {
  readonly size: BufferSize;
  readonly description: string;
  /** Always 0: whether there was room is known at once to the kernel side, which counts it. */
  readonly lost = 0;
  readonly #fd: number;
  readonly #bytes: number;
  readonly #page = pageSize();
  readonly #positions: Mapping[];
  readonly #consumer: BigInt64Array;
  readonly #producer: BigInt64Array;
  #slice: Slice | undefined;
  /** Bytes consumed since the ring was made; the kernel's `consumer_pos`. */
  #position = 0;

  /**
   * @param fd of a map of type BPF_MAP_TYPE_RINGBUF.
   * @param bytes the size that the map was made with.
   */
  constructor(fd: number, bytes: number) {
    this.size = { kind: "ring", count: 1, bytes };
    this.description = `ring buffer of ${sizeText(bytes)}`;
    this.#bytes = bytes;
    this.#fd = fd;
    const ours = mapShared(this.#fd, this.#page, 0, "write");
    const theirs = mapShared(this.#fd, this.#page, this.#page, "read");
    this.#positions = [ours, theirs];
    this.#consumer = new BigInt64Array(ours.bytes, 0, 1);
    this.#producer = new BigInt64Array(theirs.bytes, 0, 1);
  }

  /** @returns the slice of the ring in which this byte of it is. */
  #sliceAt(at: number): Slice {
    const start = at - (at % SLICE_BYTES);
    if (this.#slice?.start !== start) {
      this.#slice?.mapping.unmap();
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
    for (const mapping of this.#positions.splice(0)) mapping.unmap();
    this.#slice?.mapping.unmap();
    this.#slice = undefined;
  }
}
