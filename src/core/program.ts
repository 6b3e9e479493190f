// A BPF program, before and after it is loaded.
import * as libbpf from "./ffi/libbpf.ts";
import { perfEventOpen } from "./ffi/libc.ts";
import { type Address, packStruct } from "./ffi/memory.ts";

/** Before load(). */
export class OpenProgram {
  readonly #address: () => Address;

  constructor(address: () => Address) {
    this.#address = address;
  }

  /** Whether load() loads it: true unless its SEC() begins with `?`. */
  set autoload(isWanted: boolean) {
    libbpf.setAutoload(this.#address(), isWanted);
  }

  /** The function of an fentry or fexit program: `function`, or `module:function`, which is found much faster. */
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

/** After load(). It lives as long as its object; each link lives by itself. */
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

  /** File descriptor. It stays the object's. */
  get fd(): number {
    return libbpf.programFd(this.#address, this.name);
  }

  /**
   * How often the kernel skipped this program because it, or another one, was running on the same CPU. Counted since
   * Linux 5.12, for probes and tracepoints since 6.7; 0 before.
   */
  get recursionMisses(): number {
    return libbpf.recursionMisses(this.fd, this.name);
  }

  /** Attaches where its SEC() says. */
  attach(): libbpf.Link {
    return libbpf.attach(this.#address, this.name);
  }

  /** Attaches to a function's entry, or to its return, by the PMU of kprobes (4.17). @param symbol `[module:]function` */
  attachKprobe(symbol: string, kind: "entry" | "return"): libbpf.Link {
    return libbpf.attachKprobe(this.#address, symbol, kind === "return");
  }

  /** Attaches an fentry or fexit program, which names its function itself. */
  attachTrampoline(): libbpf.Link {
    return libbpf.attachTrace(this.#address, this.name);
  }

  /** Attaches to a raw tracepoint (4.17). @param tracepoint without its group: `sched_switch`. */
  attachRawTracepoint(tracepoint: string): libbpf.Link {
    return libbpf.attachRawTracepoint(this.#address, tracepoint);
  }

  /** Attaches to a tracepoint, or to a probe in tracefs. @param id Tracefs has it. */
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
