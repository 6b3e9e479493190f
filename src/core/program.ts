// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A BPF program, before and after its object is loaded.
import * as libbpf from "./ffi/libbpf.ts";
import { perfEventOpen } from "./ffi/libc.ts";
import { type Address, packStruct } from "./ffi/memory.ts";

/** A program before load(). */
export class OpenProgram {
  readonly #address: () => Address;

  constructor(address: () => Address) {
    this.#address = address;
  }

  /** Whether load() loads the program. The default is true, unless its SEC() begins with `?`. */
  set autoload(isWanted: boolean) {
    libbpf.setAutoload(this.#address(), isWanted);
  }

  /**
   * Target of an fentry or fexit program: `function`, or `module:function`, which libbpf finds much faster.
   */
  set target(target: string) {
    libbpf.setAttachTarget(this.#address(), target);
  }
}

/** First version of struct perf_event_attr of linux/perf_event.h (PERF_ATTR_SIZE_VER0). */
export const PERF_ATTR = {
  bytes: 64,
  typeAndSize: 0,
  config: 8,
  samplePeriod: 16,
  wakeupEvents: 48,
} as const;
export const PERF_TYPE_TRACEPOINT = 2;

/** A program after load(). It is valid as long as its object. Each link has a lifetime of its own. */
export class LoadedProgram {
  readonly name: string;
  readonly #address: Address;

  constructor(address: Address, name: string) {
    this.#address = address;
    this.name = name;
  }

  get isLoaded(): boolean {
    return libbpf.hasAutoload(this.#address);
  }

  /** File descriptor. The object owns it. */
  get fd(): number {
    return libbpf.programFd(this.#address, this.name);
  }

  /**
   * Number of times that the kernel skipped this program because it, or another program, was already running
   * on the same CPU. Linux counts this since 5.12, for probes and tracepoints since 6.7; earlier kernels
   * report 0.
   */
  get recursionMisses(): number {
    return libbpf.recursionMisses(this.fd, this.name);
  }

  /** Attaches the program at the place that its SEC() names. @throws CallError. */
  attach(): libbpf.Link {
    return libbpf.attach(this.#address, this.name);
  }

  /**
   * Attaches to the entry or the return of a function through the kprobe PMU (Linux 4.17).
   * @param symbol `[module:]function`.
   * @throws CallError: ENOENT if the kernel has no such function.
   */
  attachKprobe(symbol: string, kind: "entry" | "return"): libbpf.Link {
    return libbpf.attachKprobe(this.#address, symbol, kind === "return");
  }

  /** Attaches an fentry or fexit program to its target. @throws CallError. */
  attachTrampoline(): libbpf.Link {
    return libbpf.attachTrace(this.#address, this.name);
  }

  /**
   * Attaches to a raw tracepoint (Linux 4.17).
   * @param tracepoint its name without the group: `sched_switch`.
   * @throws CallError: ENOENT if the kernel has no such tracepoint.
   */
  attachRawTracepoint(tracepoint: string): libbpf.Link {
    return libbpf.attachRawTracepoint(this.#address, tracepoint);
  }

  /**
   * Attaches to a tracepoint, or to a probe of tracefs.
   * @param id the number that Tracefs returned for it.
   * @throws CallError.
   */
  attachTracepoint(id: number): libbpf.Link {
    const attributes = packStruct(PERF_ATTR.bytes, [
      [PERF_ATTR.typeAndSize, PERF_TYPE_TRACEPOINT + PERF_ATTR.bytes * 2 ** 32],
      [PERF_ATTR.config, id],
      [PERF_ATTR.samplePeriod, 1],
      [PERF_ATTR.wakeupEvents, 1],
    ]);
    return libbpf.attachPerfEvent(this.#address, this.name, perfEventOpen(attributes));
  }
}
