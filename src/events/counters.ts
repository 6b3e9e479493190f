// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Sums the counters of the BPF programs, which have one struct per CPU.
import type { LoadedMap } from "bun-libbpf";
import { mineCounters } from "./skeleton.gen.ts";

type Counts = Record<keyof typeof mineCounters, number>;

const names = Object.keys(mineCounters) as (keyof Counts)[];

export class Counters {
  readonly #map: Pick<LoadedMap<{ value: typeof mineCounters }>, "getAll">;
  #unreturned = 0;
  #lostEntry: number | undefined;

  constructor(map: Pick<LoadedMap<{ value: typeof mineCounters }>, "getAll">) {
    this.#map = map;
  }

  /**
   * Excludes the entries so far that have no return. The caller calls this after attach. A call that ended
   * before its return probe was attached is not a lost call.
   */
  forgetUnreturned(): void {
    const { entered, returned } = this.read();
    this.#unreturned = entered - returned;
  }

  /**
   * Freezes the count of lost entries. The caller calls this before detach. Entry probes are removed first,
   * so a later return without an entry is not a loss.
   */
  endEntries(): void {
    this.#lostEntry = this.read().lostEntry;
  }

  read(): Counts {
    const sums = Object.fromEntries(names.map((name) => [name, 0])) as Counts;
    for (const counts of this.#map.getAll(0)) {
      for (const name of names) sums[name] += Number(counts[name]);
    }
    sums.entered -= this.#unreturned;
    sums.lostEntry = this.#lostEntry ?? sums.lostEntry;
    return sums;
  }
}
