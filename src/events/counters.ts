// The kernel side's counters: one struct on each CPU, summed here.
import type { LoadedMap } from "../core/map.ts";
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

  /** Called after attach: an entry from before the probe at the return has no return. */
  forgetUnreturned(): void {
    const { entered, returned } = this.read();
    this.#unreturned = entered - returned;
  }

  /** Called before detach: probes at entries go first, and a return after that has lost nothing. */
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
