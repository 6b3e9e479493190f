// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Records about the run wait here for space in the output. Each is made when there is space: the kernel's list of sets
// is decoded then, and the counts of a loss are those of that moment.
import { readClocks } from "bun-libbpf/ffi";
import { readListedSet } from "../ipset/listed-set.ts";
import type { Output } from "../output/output.ts";
import type { RunContext } from "../output/record.ts";
import type { Counts, RunRecord, Start } from "../output/run-record.ts";
import type { SetList } from "./list-sets.ts";

export class RunRecords {
  #waiting: (() => RunRecord)[] = [];
  /** Index of the first one that is not written. */
  #next = 0;
  #isLossWaiting = false;

  get isEmpty(): boolean {
    return this.#next === this.#waiting.length;
  }

  /** Adds the start, and the sets that are there. */
  start(facts: Omit<Start, "setRecords">, sets: SetList | undefined): void {
    const timeNs = now();
    const { messages = [], netns } = sets ?? {};
    const start: Start = { ...facts, setRecords: sets && messages.length };
    this.#waiting.push(() => ({ timeNs, action: "start", start, netns }));
    for (const bytes of messages) {
      this.#waiting.push(() => ({ timeNs, action: "set", set: readListedSet(bytes), netns }));
    }
  }

  /** Adds a loss, unless one waits. @param counts returns the counts so far. */
  loss(counts: () => Counts): void {
    if (this.#isLossWaiting) return;
    this.#isLossWaiting = true;
    this.#waiting.push(() => {
      this.#isLossWaiting = false;
      return { timeNs: now(), action: "lost", counts: counts() };
    });
  }

  end(counts: Counts): void {
    this.#waiting.push(() => ({ timeNs: now(), action: "end", counts }));
  }

  /** Writes records while the output has space. */
  writeTo(output: Output, context: RunContext): void {
    for (let make = this.#waiting[this.#next]; make && !output.isFull; make = this.#waiting[this.#next]) {
      this.#next += 1;
      output.addRun(make(), context);
    }
    if (this.isEmpty) this.clear();
  }

  clear(): void {
    this.#waiting = [];
    this.#next = 0;
    this.#isLossWaiting = false;
  }
}

/** Returns the time in nanoseconds since 1970-01-01 UTC. */
function now(): bigint {
  const { monotonicNs, realtimeOffsetNs } = readClocks();
  return monotonicNs + realtimeOffsetNs;
}
