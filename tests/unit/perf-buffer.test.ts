// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The perf buffer's reader against rings that this test writes itself, in memory laid out as the kernel's
// (struct perf_event_mmap_page in linux/perf_event.h): a control page, then the data. libbpf would map the
// same memory.
import { expect, test } from "bun:test";
import { closeSync, ftruncateSync } from "node:fs";
import { CallError } from "../../src/core/errors.ts";
import { sizeText } from "../../src/core/event-buffer.ts";
import { openPerfRings } from "../../src/core/ffi/libbpf.ts";
import { mapShared, memoryFile, pageSize, readClocks } from "../../src/core/ffi/libc.ts";
import { PerfBuffer, pagesIn } from "../../src/core/perf-buffer.ts";
import { cpuBytes } from "../../src/trace/buffer-size.ts";

const page = pageSize();
const RING_BYTES = 4 * page;
const DATA_HEAD = 1024;
const DATA_TAIL = 1032;
const PERF_RECORD_LOST = 2;
const PERF_RECORD_THROTTLE = 5;
const PERF_RECORD_SAMPLE = 9;

/** The kernel's side of one ring. */
class KernelRing {
  readonly #fd = memoryFile("perf", new Uint8Array(0));
  readonly #mapping;
  readonly #bytes: Buffer;

  constructor() {
    ftruncateSync(this.#fd, page + RING_BYTES);
    this.#mapping = mapShared(this.#fd, page + RING_BYTES, 0, "write");
    this.#bytes = Buffer.from(this.#mapping.bytes);
  }

  get memory(): ArrayBuffer {
    return this.#mapping.bytes;
  }

  get head(): number {
    return Number(this.#bytes.readBigUInt64LE(DATA_HEAD));
  }

  get tail(): number {
    return Number(this.#bytes.readBigUInt64LE(DATA_TAIL));
  }

  /**
   * struct perf_event_header { u32 type; u16 misc; u16 size; } and what follows, around the end if need be.
   */
  record(type: number, body: Buffer): void {
    const record = Buffer.alloc(8 + body.length);
    record.writeUInt32LE(type, 0);
    record.writeUInt16LE(record.length, 6);
    record.set(body, 8);
    const { head } = this;
    expect(head + record.length - this.tail).toBeLessThanOrEqual(RING_BYTES);
    for (const [index, byte] of record.entries()) {
      this.#bytes[page + ((head + index) % RING_BYTES)] = byte;
    }
    this.#bytes.writeBigUInt64LE(BigInt(head + record.length), DATA_HEAD);
  }

  /** A raw sample: u32 size, then an event, which begins with its time; padded to a multiple of eight. */
  sample(tsNs: bigint | number, text: string): void {
    const size = Math.ceil((4 + 8 + text.length) / 8) * 8 - 4;
    const body = Buffer.alloc(4 + size);
    body.writeUInt32LE(size, 0);
    body.writeBigUInt64LE(BigInt(tsNs), 4);
    body.write(text, 12);
    this.record(PERF_RECORD_SAMPLE, body);
  }

  /** struct { header; u64 id; u64 lost; } */
  lost(count: number): void {
    const body = Buffer.alloc(16);
    body.writeBigUInt64LE(7n, 0);
    body.writeBigUInt64LE(BigInt(count), 8);
    this.record(PERF_RECORD_LOST, body);
  }

  /** Moves on so far that this many bytes are left before the end of the ring. */
  fillUpTo(left: number, read: () => unknown): void {
    while (RING_BYTES - (this.head % RING_BYTES) !== left) {
      const room = (RING_BYTES - (this.head % RING_BYTES) - left + RING_BYTES) % RING_BYTES;
      const size = Math.min(room, 1024);
      this.record(PERF_RECORD_THROTTLE, Buffer.alloc(size - 8));
      read();
    }
  }

  [Symbol.dispose](): void {
    this.#mapping[Symbol.dispose]();
    closeSync(this.#fd);
  }
}

class FakeBuffer {
  readonly rings: KernelRing[];
  readonly reader: PerfBuffer;

  /** @param timeOffset where the records have their time. */
  constructor(count: number, timeOffset = 0) {
    this.rings = Array.from({ length: count }, () => new KernelRing());
    const rings = this.rings.map(({ memory }) => ({ memory, dataOffset: page, bytes: RING_BYTES }));
    this.reader = new PerfBuffer({ epollFd: 0, rings, [Symbol.dispose]: () => {} }, timeOffset);
  }

  ring(index: number): KernelRing {
    const ring = this.rings[index];
    if (!ring) throw new Error(`there is no ring ${index}`);
    return ring;
  }

  read(): string[] {
    const texts: string[] = [];
    const count = this.reader.drain((view, at, size) => {
      const event = Buffer.from(view.buffer, view.byteOffset + at, size);
      texts.push(event.toString("utf8", 8).replace(/\0+$/, ""));
      return true;
    });
    expect(count).toBe(texts.length);
    return texts;
  }

  [Symbol.dispose](): void {
    this.reader[Symbol.dispose]();
    for (const ring of this.rings) ring[Symbol.dispose]();
  }
}

test("records come in order and their room is given back", () => {
  using buffer = new FakeBuffer(1);
  const ring = buffer.ring(0);
  ring.sample(1, "one");
  ring.sample(2, "twenty-two");
  expect(buffer.read()).toEqual(["one", "twenty-two"]);
  expect(ring.tail).toBe(ring.head);
  expect(buffer.read()).toEqual([]);
});

test("a handler gets the whole event, with the padding that follows it", () => {
  using buffer = new FakeBuffer(1);
  buffer.ring(0).sample(1, "abcdefghi");
  const sizes: number[] = [];
  buffer.reader.drain((_view, _at, size) => sizes.push(size) > 0);
  expect(sizes).toEqual([20]); // 8 + 9, and 3 so that 4 + 20 is a multiple of eight
});

test("the rings of all CPUs are merged by time", () => {
  using buffer = new FakeBuffer(3);
  buffer.ring(0).sample(10, "a");
  buffer.ring(0).sample(40, "d");
  buffer.ring(1).sample(20, "b");
  buffer.ring(1).sample(50, "e");
  buffer.ring(2).sample(30, "c");
  expect(buffer.read()).toEqual(["a", "b", "c", "d", "e"]);
  for (const ring of buffer.rings) expect(ring.tail).toBe(ring.head);
});

test("a record younger than the start of the drain waits for the next one", () => {
  using buffer = new FakeBuffer(2);
  const soon = readClocks().monotonicNs + 60_000_000n;
  buffer.ring(0).sample(1, "old");
  buffer.ring(0).sample(soon, "young");
  const { tail } = buffer.ring(0);
  expect(buffer.read()).toEqual(["old"]);
  expect(buffer.ring(0).tail).toBe(tail + 24);
  expect(buffer.read()).toEqual([]);
  buffer.ring(1).sample(soon - 1n, "older, but later there");
  Bun.sleepSync(80);
  expect(buffer.read()).toEqual(["older, but later there", "young"]);
});

test("what arrives during a drain is left for the next one", () => {
  using buffer = new FakeBuffer(1);
  buffer.ring(0).sample(1, "first");
  const records = buffer.reader.drain(() => {
    buffer.ring(0).sample(2, "second");
    return true;
  });
  expect(records).toBe(1);
  expect(buffer.read()).toEqual(["second"]);
});

test("leaves records that are not wanted for the next drain", () => {
  using buffer = new FakeBuffer(2);
  buffer.ring(0).sample(1, "first");
  buffer.ring(1).sample(2, "second");
  buffer.ring(0).sample(3, "third");
  let wanted = 2;
  expect(buffer.reader.drain(() => --wanted > 0)).toBe(2);
  expect(buffer.read()).toEqual(["third"]);
});

test("counts lost records once, and skips records that are no samples", () => {
  using buffer = new FakeBuffer(2);
  buffer.ring(0).lost(3);
  buffer.ring(0).sample(1, "a");
  buffer.ring(0).record(PERF_RECORD_THROTTLE, Buffer.alloc(24));
  buffer.ring(0).lost(1000);
  buffer.ring(1).lost(20);
  expect(buffer.reader.lost).toBe(0);
  expect(buffer.read()).toEqual(["a"]);
  expect(buffer.reader.lost).toBe(1023);
  expect(buffer.read()).toEqual([]);
  expect(buffer.reader.lost).toBe(1023);
  for (const ring of buffer.rings) expect(ring.tail).toBe(ring.head);
});

test.each([8, 16, 24, 48, 96, 104])(
  "a record that begins %p bytes before the end of its ring is whole",
  (left) => {
    using buffer = new FakeBuffer(1);
    const ring = buffer.ring(0);
    const text = "0123456789".repeat(8);
    ring.fillUpTo(left, () => buffer.read());
    ring.sample(1, text);
    ring.sample(2, "after");
    expect(buffer.read()).toEqual([text, "after"]);
    expect(ring.tail).toBe(ring.head);
  },
);

test("a lost record split at the end of its ring is counted", () => {
  using buffer = new FakeBuffer(1);
  buffer.ring(0).fillUpTo(16, () => buffer.read());
  buffer.ring(0).lost(77);
  expect(buffer.read()).toEqual([]);
  expect(buffer.reader.lost).toBe(77);
});

test("a ring that is full to the last byte is read, round after round", () => {
  using buffer = new FakeBuffer(1);
  const ring = buffer.ring(0);
  const text = "x".repeat(RING_BYTES / 8 - 8 - 4 - 8);
  for (let round = 0; round < 3000; round++) {
    for (let number = 0; number < 8; number++) ring.sample(number, text);
    expect(ring.head - ring.tail).toBe(RING_BYTES);
    expect(buffer.read().length).toBe(8);
  }
});

test.each([
  [1, 4 * 1024],
  [2, 4 * 1024],
  [4, 4 * 1024],
  [6, 2 * 1024],
  [16, 1024],
  [64, 256],
  [512, 256],
])("on %p CPUs each ring has %p KiB, a power of two pages", (cpus, kibibytes) => {
  expect(pagesIn(cpuBytes(cpus, undefined), page) * page).toBe(kibibytes * 1024);
});

test.each([
  [1, 64, 64],
  [2, 1024, 512],
  [6, 1024, 128],
  [64, 64, 64], // the largest record must fit
  [2, 64 * 1024, 32 * 1024],
])("on %p CPUs each ring has its part of the %p KiB that were asked for: %p", (cpus, asked, kibibytes) => {
  expect(pagesIn(cpuBytes(cpus, asked * 1024), page) * page).toBe(kibibytes * 1024);
});

test("it has the number of its rings, and their size", () => {
  using buffer = new FakeBuffer(3);
  expect(buffer.reader.size).toEqual({ kind: "perf", count: 3, bytes: RING_BYTES });
  expect(buffer.reader.description).toContain(`3 x ${sizeText(RING_BYTES)}`);
});

test("the time of a record is where the caller says", () => {
  using buffer = new FakeBuffer(2, 8);
  const later = Buffer.from(new BigUint64Array([2n]).buffer).toString("latin1");
  const earlier = Buffer.from(new BigUint64Array([1n]).buffer).toString("latin1");
  buffer.ring(0).sample(1, `${later}second`);
  buffer.ring(1).sample(2, `${earlier}first`);
  expect(buffer.read()).toEqual([`${earlier}first`, `${later}second`]);
});

test("what libbpf refuses is told by its call", () => {
  let error: unknown;
  try {
    openPerfRings(-1, 1, page);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(CallError);
  expect((error as CallError).call).toBe("perf_buffer__new");
});

test("sizes are told in the unit that suits", () => {
  expect([64 * 1024, 1024 * 1024, 16 * 1024 * 1024].map(sizeText)).toEqual(["64 KiB", "1 MiB", "16 MiB"]);
});
