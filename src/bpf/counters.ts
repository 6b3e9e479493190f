// The kernel side's counters: a per-CPU array, summed here.
import { mineCounter } from "../events/skeleton.gen.ts";
import { checkResult } from "../ffi/libbpf.ts";
import type { BpfObject } from "./object.ts";

export class Counters {
  readonly #object: BpfObject;
  readonly #fd: number;
  readonly #key = new Uint32Array(1);
  /** One u64 per possible CPU. */
  readonly #values: BigUint64Array;

  constructor(object: BpfObject) {
    this.#object = object;
    this.#fd = object.mapFd("counters");
    const cpus = checkResult("libbpf_num_possible_cpus", object.lib.libbpf_num_possible_cpus());
    this.#values = new BigUint64Array(cpus);
  }

  read(name: keyof typeof mineCounter): number {
    this.#key[0] = mineCounter[name];
    const { lib } = this.#object;
    checkResult("bpf_map_lookup_elem", lib.bpf_map_lookup_elem(this.#fd, this.#key, this.#values));
    return Number(this.#values.reduce((sum, value) => sum + value, 0n));
  }
}
