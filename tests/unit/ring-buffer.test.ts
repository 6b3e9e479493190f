// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The ring buffer's reader against a ring that this test writes itself, in memory laid out as the kernel's
// (kernel/bpf/ringbuf.c): positions in their pages, data after them. The data is read-only for the reader.
import { expect, test } from "bun:test";
import { closeSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { memoryFile, pageSize } from "../../src/core/ffi/libc.ts";
import { RingBuffer } from "../../src/core/ring-buffer.ts";

const page = pageSize();
const BUSY = 0x80000000;
const DISCARDED = 0x40000000;
const RING_BYTES = 1024 * 1024;

class FakeRing {
  readonly fd = memoryFile("ring", new Uint8Array(0));
  readonly reader: RingBuffer;
  produced = 0;

  constructor() {
    ftruncateSync(this.fd, 2 * page + 2 * RING_BYTES);
    this.reader = new RingBuffer(this.fd, RING_BYTES);
  }

  /** Puts a record where the kernel would, in both copies of the data. */
  write(text: string, flags = 0): number {
    const record = Buffer.alloc((8 + text.length + 7) & ~7);
    record.writeUInt32LE((text.length | flags) >>> 0);
    record.write(text, 8);
    const at = this.produced % RING_BYTES;
    for (const copy of [at, at + RING_BYTES, at - RING_BYTES]) {
      const skipped = Math.max(-copy, 0);
      const fits = Math.min(record.length, 2 * RING_BYTES - copy);
      if (skipped < fits) writeSync(this.fd, record, skipped, fits - skipped, 2 * page + copy + skipped);
    }
    this.produced += record.length;
    writeSync(this.fd, new BigUint64Array([BigInt(this.produced)]), 0, 8, page);
    return 2 * page + at;
  }

  consumed(): number {
    const position = new BigUint64Array(1);
    readSync(this.fd, position, 0, 8, 0);
    return Number(position[0]);
  }

  read(): string[] {
    const texts: string[] = [];
    this.reader.drain((view, at, size) => {
      texts.push(Buffer.from(view.buffer, view.byteOffset + at, size).toString());
      return true;
    });
    return texts;
  }

  [Symbol.dispose](): void {
    this.reader[Symbol.dispose]();
    closeSync(this.fd);
  }
}

test("records come in order and their room is given back", () => {
  using ring = new FakeRing();
  ring.write("one");
  ring.write("twenty-two");
  expect(ring.read()).toEqual(["one", "twenty-two"]);
  expect(ring.consumed()).toBe(ring.produced);
  expect(ring.read()).toEqual([]);
});

test("a discarded record is passed over", () => {
  using ring = new FakeRing();
  ring.write("kept");
  ring.write("thrown away", DISCARDED);
  ring.write("kept too");
  expect(ring.read()).toEqual(["kept", "kept too"]);
});

test("leaves records that are not wanted for the next drain, and keeps their space", () => {
  using ring = new FakeRing();
  ring.write("one");
  ring.write("two");
  const { produced } = ring;
  ring.write("three");
  let wanted = 2;
  expect(ring.reader.drain(() => --wanted > 0)).toBe(2);
  expect(ring.consumed()).toBe(produced);
  expect(ring.read()).toEqual(["three"]);
});

test("a record still being written holds up what comes after it, until it is done", () => {
  using ring = new FakeRing();
  ring.write("done");
  const at = ring.write("busy", BUSY);
  ring.write("after");
  expect(ring.read()).toEqual(["done"]);
  writeSync(ring.fd, new Uint32Array([4]), 0, 4, at);
  expect(ring.read()).toEqual(["busy", "after"]);
});

test("a record that crosses the end of the ring is whole", () => {
  using ring = new FakeRing();
  const filler = "x".repeat(32768 - 8);
  for (let count = 1; count < RING_BYTES / 32768; count++) {
    ring.write(filler);
    expect(ring.read()).toEqual([filler]);
  }
  ring.write(filler.slice(64));
  ring.read();
  expect(RING_BYTES - (ring.produced % RING_BYTES)).toBe(64);
  ring.write("y".repeat(100));
  expect(ring.read()).toEqual(["y".repeat(100)]);
});

test("the read-only pages are never written, however hot the loop", () => {
  using ring = new FakeRing();
  for (let count = 0; count < 20_000; count++) {
    ring.write("record");
    expect(ring.read()).toEqual(["record"]);
  }
});
