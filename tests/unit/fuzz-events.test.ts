// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A fuzz test from the bytes of an event to its line: damaged messages of ipset, and random bytes. Each kind runs
// for 2 s. MINE_FUZZ_SECONDS=N sets another time, and MINE_FUZZ_SEED=N repeats the events of another run.
import { expect, test } from "bun:test";
import { readEvent } from "../../src/events/event.ts";
import { mineEvent } from "../../src/events/skeleton.gen.ts";
import { ByteWriter } from "../../src/output/byte-writer.ts";
import { writeJson } from "../../src/output/json.ts";
import { writeText } from "../../src/output/text.ts";
import { Recorder, runContext } from "../../src/trace/decode.ts";
import { Random } from "../support/random.ts";
import { recordedMessages } from "../support/recorded-messages.ts";
import { parseEvent } from "../support/schema.ts";

const { MINE_FUZZ_SECONDS: seconds = "2", MINE_FUZZ_SEED: seed = String(Date.now() % 2 ** 31 || 1) } =
  process.env;
const HEADER_SIZE = mineEvent.data[0];
const MESSAGE_MAX = 16384; // MINE_MESSAGE_MAX
/** Max bytes of a line per byte of its event. MOST_OVERHEAD allows for the caller's details. */
const MOST_GROWTH = 4;
const MOST_OVERHEAD = 8192;

/** Bytes that occur as attribute numbers, lengths and limits of UTF-8. */
const interesting = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 32, 0x40, 0x7f, 0x80, 0xc0, 0xe2, 0xed, 0xf4, 0xff,
];
/** Texts with a meaning to a terminal, to JSON or to mine. */
const hostile = [
  ...["\\", '"', "\n", "\x1b[2J", "\x7f", "\u009b", "\u202e", "\u2028", "\ufeff", "\u{e0041}", "\uffff"],
  ...["physdev:", ",", "<all sets>", ") - SUCCESS", "\ud7ff", "é", "🐇", "\u2800"],
].map((text) => Buffer.from(text));

class Fuzzer {
  readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Returns a recorded message with one to eight faults. */
  spoiltMessage(): Uint8Array {
    let bytes: Uint8Array = Uint8Array.from(this.random.oneOf(recordedMessages));
    for (let times = 1 + this.random.below(8); times > 0; times--) bytes = this.#spoilt(bytes);
    return bytes.subarray(0, MESSAGE_MAX);
  }

  #spoilt(bytes: Uint8Array): Uint8Array {
    const { random } = this;
    const at = random.below(bytes.length + 1);
    const before = bytes.subarray(0, at);
    const after = bytes.subarray(at);
    const other = random.oneOf(recordedMessages);
    switch (random.below(8)) {
      case 0: // one interesting byte
        if (at < bytes.length) bytes[at] = random.oneOf(interesting);
        return bytes;
      case 1: // one random byte
        if (at < bytes.length) bytes[at] = random.below(256);
        return bytes;
      case 2: // the end is missing
        return before;
      case 3: // a part is missing
        return Buffer.concat([before, after.subarray(random.below(16))]);
      case 4: // a part of another message
        return Buffer.concat([before, other.subarray(random.below(other.length)), after]);
      case 5: // the message inside itself: nested deeper or repeated
        return Buffer.concat([before, bytes, after]);
      case 6: // hostile text
        return Buffer.concat([before, random.oneOf(hostile), after.subarray(random.below(8))]);
      default: // a long run of one byte
        return Buffer.concat([before, Buffer.alloc(random.below(2000), random.oneOf(interesting)), after]);
    }
  }

  /** Returns random bytes with a command in the header. */
  foreignMessage(): Uint8Array {
    const bytes = this.random.bytes(this.random.below(this.random.below(20) === 0 ? MESSAGE_MAX : 300));
    bytes[4] = this.random.below(18); // the command
    return bytes;
  }

  /** Returns a message with empty attributes, up to the max number. */
  crowdedMessage(): Uint8Array {
    const bytes = Buffer.from(this.random.oneOf(recordedMessages)).subarray(0, 20);
    const count = this.random.below((MESSAGE_MAX - 20) / 4);
    const attributes = Buffer.alloc(count * 4);
    const type = this.random.below(3) === 0 ? undefined : this.random.below(40);
    for (let index = 0; index < count; index++) {
      attributes.writeUInt16LE(4, index * 4);
      attributes.writeUInt16LE(type ?? this.random.below(65536), index * 4 + 2);
    }
    return Buffer.concat([bytes, attributes]);
  }

  #text(most: number): Uint8Array {
    const pieces = Array.from({ length: this.random.below(6) }, () =>
      this.random.below(2) === 0 ? this.random.oneOf(hostile) : this.random.bytes(this.random.below(8)),
    );
    return Buffer.concat(pieces).subarray(0, most);
  }

  /** Returns the bytes of an event with this message. Other parts are random, and most lengths are right. */
  event(message: Uint8Array): DataView {
    const { random } = this;
    const reply = this.spoiltMessage().subarray(0, 96);
    const texts = [this.#text(200), this.#text(200), this.#text(200)];
    const parts = [message, ...texts, random.bytes(random.below(300)), reply];
    const bytes = Buffer.concat([random.bytes(HEADER_SIZE), ...parts]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const put = ([offset, type]: readonly [number, string, number?], value: number): void =>
      type === "u16" ? view.setUint16(offset, value, true) : view.setUint32(offset, value, true);
    const lengths = [
      mineEvent.capturedLen,
      mineEvent.argumentsCaptured,
      mineEvent.executableLen,
      mineEvent.cgroupLen,
      mineEvent.ancestorsLen,
      mineEvent.replyLen,
    ];
    for (const [index, field] of lengths.entries()) put(field, parts[index]?.length ?? 0);
    put(mineEvent.messageLen, message.length + (random.below(4) === 0 ? random.below(70000) : 0));
    put(mineEvent.argumentsLen, (parts[1]?.length ?? 0) + random.below(3));
    put(mineEvent.result, -random.oneOf([0, 0, 1, 4, 11, 17, 4097, 4103, 4352, 4360, random.below(5000)]));
    put(mineEvent.answer, -random.oneOf([0, 0, 0, 4103, random.below(5000)]));
    view.setBigUint64(mineEvent.tsNs[0], BigInt(random.below(2 ** 31)) * 1000n, true);
    bytes.set(this.#text(16), mineEvent.comm[0]);
    if (random.below(20) === 0) put(random.oneOf(lengths), random.below(2 ** 32));
    return view;
  }
}

const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const recorder = new Recorder();
const context = runContext("kprobe", { time: { form: "minute", isUtc: false }, ancestry: true });
const out = new ByteWriter();

function checkEvent(view: DataView): void {
  const event = readEvent(view, 0, view.byteLength);
  if (!event) return;
  const record = recorder.record(event, 1_616_112_000_000_000_000n);
  for (const write of [writeText, writeJson]) {
    out.length = 0;
    write(out, record, context);
    const line = decoder.decode(out.written());
    if (harmful.test(line)) throw new Error(`not harmless: ${JSON.stringify(line)}`);
    if (out.length > view.byteLength * MOST_GROWTH + MOST_OVERHEAD) throw new Error(`${out.length} bytes`);
    if (write === writeJson) parseEvent(line);
  }
}

const kinds = {
  "writes harmless lines for damaged messages": (fuzzer: Fuzzer) => fuzzer.spoiltMessage(),
  "writes harmless lines for random bytes": (fuzzer: Fuzzer) => fuzzer.foreignMessage(),
  "writes harmless lines for the max number of attributes": (fuzzer: Fuzzer) => fuzzer.crowdedMessage(),
};

test.each(Object.entries(kinds))(
  "%s",
  (_, makeMessage) => {
    const fuzzer = new Fuzzer(Number(seed));
    const endMs = performance.now() + Number(seconds) * 1000;
    let count = 0;
    for (; performance.now() < endMs; count++) {
      const view = fuzzer.event(makeMessage(fuzzer));
      try {
        checkEvent(view);
      } catch (cause) {
        const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).toHex();
        throw new Error(`MINE_FUZZ_SEED=${seed}, event ${count}: ${bytes}`, { cause });
      }
    }
    expect(count).toBeGreaterThan(Number(seconds) * 20);
  },
  Number(seconds) * 1000 + 30_000,
);
