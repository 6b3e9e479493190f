// The kernel side's counters: one struct per CPU, summed here.
import { structOf } from "../events/layout.ts";
import { mineCounters } from "../events/skeleton.gen.ts";
import { checkResult } from "../ffi/libbpf.ts";
import type { BpfObject } from "./object.ts";

type Counts = Record<keyof typeof mineCounters, number>;

const names = Object.keys(mineCounters) as (keyof Counts)[];
const CpuCounters = structOf(mineCounters);
const SIZE = 8 * names.length; // all of them are u64

export class Counters {
  readonly #object: BpfObject;
  readonly #fd: number;
  readonly #values: DataView;
  #unreturned = 0;
  #lostEntry: number | undefined;

  constructor(object: BpfObject) {
    this.#object = object;
    this.#fd = object.mapFd("counters");
    const cpus = checkResult("libbpf_num_possible_cpus", object.lib.libbpf_num_possible_cpus());
    this.#values = new DataView(new ArrayBuffer(SIZE * cpus));
  }

  /** After attach: an entry that was seen before there was a probe at the return has none. */
  forgetUnreturned(): void {
    const { entered, returned } = this.read();
    this.#unreturned = entered - returned;
  }

  /** Before detach: probes at entries go first, and a return after that has lost nothing. */
  endEntries(): void {
    this.#lostEntry = this.read().lostEntry;
  }

  read(): Counts {
    const { lib } = this.#object;
    const values = new Uint8Array(this.#values.buffer);
    checkResult("bpf_map_lookup_elem", lib.bpf_map_lookup_elem(this.#fd, new Uint32Array([0]), values));
    const sums = Object.fromEntries(names.map((name) => [name, 0])) as Counts;
    for (let at = 0; at < values.length; at += SIZE) {
      const counts = new CpuCounters(this.#values, at);
      for (const name of names) sums[name] += Number(counts[name]);
    }
    sums.entered -= this.#unreturned;
    sums.lostEntry = this.#lostEntry ?? sums.lostEntry;
    return sums;
  }
}
