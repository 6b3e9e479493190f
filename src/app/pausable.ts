// A source of events that can be asked how it stands while it goes on. The trap: a summary is made for the end: it
// reads what is left, and takes for lost what did not arrive. Until then that is on its way.
import type { EventBuffer } from "../bpf/event-buffer.ts";
import type { Source } from "./tracer.ts";

export class PausableSource implements Source {
  readonly buffer: EventBuffer;
  readonly counters: Source["counters"];
  readonly backend: string;
  readonly misses: () => number;
  #isPaused = false;
  #delivered = 0;

  constructor({ buffer, counters, backend, misses }: Source) {
    this.backend = backend;
    this.misses = misses;
    this.buffer = this.#pausing(buffer);
    this.counters = {
      read: () => {
        const counts = counters.read();
        const lost = Math.max(counts.lostBuffer, buffer.lost);
        return this.#isPaused ? { ...counts, submitted: this.#delivered + lost } : counts;
      },
    };
  }

  /** @returns what `look` does, to which there is nothing to read, and nothing on its way. */
  paused<Result>(look: () => Result): Result {
    this.#isPaused = true;
    try {
      return look();
    } finally {
      this.#isPaused = false;
    }
  }

  #pausing(buffer: EventBuffer): EventBuffer {
    return {
      size: buffer.size,
      description: buffer.description,
      get lost() {
        return buffer.lost;
      },
      drain: (handle) => {
        if (this.#isPaused) return 0;
        const records = buffer.drain(handle);
        this.#delivered += records;
        return records;
      },
      wait: (timeoutMs) => buffer.wait(timeoutMs),
      [Symbol.dispose]: () => buffer[Symbol.dispose](),
    };
  }
}
