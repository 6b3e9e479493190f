// Attaches programs: to kprobes and kretprobes on the functions of a module, in the two forms that kernels
// offer, to tracepoints, and to functions by trampolines. All but the last arrive at a perf event.
import { closeSync } from "node:fs";
import { CallError } from "../errors.ts";
import type { ProgramName } from "../events/skeleton.gen.ts";
import { checkPointer } from "../ffi/libbpf.ts";
import { perfEventOpen } from "../ffi/libc.ts";
import { type Address, cString, packOptions, packStruct } from "../ffi/memory.ts";
import type { Tracefs } from "../kernel/tracefs.ts";
import type { BpfObject } from "./object.ts";

export type ProbeKind = "entry" | "return";

/** Where to put a program. */
export interface ProbePoint {
  /** Undefined for a function that is built in. */
  module: string | undefined;
  symbol: string;
  kind: ProbeKind;
  program: ProgramName;
}

/** A way to make probes. */
export interface Probes {
  readonly description: string;
  /**
   * @returns the attached probe; disposing it leaves nothing behind.
   * @throws CallError, ENOENT when the kernel has no such function.
   */
  attach(point: ProbePoint): Disposable;
  /** How often one of them could not be run, as far as the kernel tells. */
  misses(): number;
}

/** libbpf.h: struct bpf_kprobe_opts { size_t sz; u64 cookie; size_t offset; bool retprobe; enum attach_mode; } */
export const KPROBE_OPTIONS = { size: 32, retprobe: 24 } as const;
/** PROBE_ATTACH_MODE_PERF, in the upper half of the word that begins with `retprobe`. */
export const ATTACH_MODE_PERF = 2n << 32n;

/** Made by perf_event_open() alone, gone with its file descriptor; the kprobe PMU came in 4.17. */
export class PmuProbes implements Probes {
  readonly description = "kprobes (PMU)";
  readonly #object: BpfObject;

  constructor(object: BpfObject) {
    this.#object = object;
  }

  attach(point: ProbePoint): Disposable {
    const { module, symbol } = point;
    try {
      return this.#attach(symbol, point);
    } catch (error) {
      // 6.1.60 to 6.1.70 do not find a module's function by its bare name (ENOENT); since 6.6 a name that
      // several functions have is refused (EADDRNOTAVAIL). Qualified, both work.
      if (!module || !(error instanceof CallError) || !["ENOENT", "EADDRNOTAVAIL"].includes(error.code))
        throw error;
      return this.#attach(`${module}:${symbol}`, point);
    }
  }

  /** Told nowhere. */
  misses(): number {
    return 0;
  }

  #attach(name: string, { kind, program }: ProbePoint): Disposable {
    const { lib } = this.#object;
    const options = packOptions(KPROBE_OPTIONS.size, [
      [KPROBE_OPTIONS.retprobe, ATTACH_MODE_PERF | (kind === "return" ? 1n : 0n)],
    ]);
    return link(
      this.#object,
      checkPointer(
        lib,
        `bpf_program__attach_kprobe(${name})`,
        lib.bpf_program__attach_kprobe_opts(this.#object.program(program), cString(name), options),
      ),
    );
  }
}

/** linux/perf_event.h: struct perf_event_attr, its first version (PERF_ATTR_SIZE_VER0). */
export const PERF_ATTR = {
  bytes: 64,
  typeAndSize: 0,
  config: 8,
  samplePeriod: 16,
  wakeupEvents: 48,
} as const;
export const PERF_TYPE_TRACEPOINT = 2;

/** Made by writing to tracefs, which every kernel with kprobes has; must be taken away by name. */
export class TracefsProbes implements Probes {
  readonly description = "kprobes (tracefs)";
  readonly #object: BpfObject;
  readonly #tracefs: Tracefs;

  constructor(object: BpfObject, tracefs: Tracefs) {
    this.#object = object;
    this.#tracefs = tracefs;
  }

  attach({ module, symbol, kind, program }: ProbePoint): Disposable {
    using stack = new DisposableStack();
    const probe = stack.use(this.#tracefs.addProbe(module ? `${module}:${symbol}` : symbol, kind));
    stack.use(attachTracepoint(this.#object, probe.id, program));
    return stack.move();
  }

  misses(): number {
    return this.#tracefs.misses();
  }
}

/** @param id of the tracepoint, or of the probe, in tracefs. */
export function attachTracepoint(object: BpfObject, id: number, program: ProgramName): Disposable {
  const attributes = packStruct(PERF_ATTR.bytes, [
    [PERF_ATTR.typeAndSize, PERF_TYPE_TRACEPOINT + PERF_ATTR.bytes * 2 ** 32],
    [PERF_ATTR.config, id],
    [PERF_ATTR.samplePeriod, 1],
    [PERF_ATTR.wakeupEvents, 1],
  ]);
  const fd = perfEventOpen(attributes);
  const { lib } = object;
  const call = `bpf_program__attach_perf_event(${program})`;
  try {
    const address = lib.bpf_program__attach_perf_event(object.program(program), fd);
    return link(object, checkPointer(lib, call, address));
  } catch (error) {
    closeSync(fd); // libbpf takes it over with success only
    throw error;
  }
}

/** @param name of the tracepoint, without its group. Raw tracepoints came in 4.17. */
export function attachRawTracepoint(object: BpfObject, name: string, program: ProgramName): Disposable {
  const { lib } = object;
  const attach = lib.bpf_program__attach_raw_tracepoint(object.program(program), cString(name));
  return link(object, checkPointer(lib, `bpf_program__attach_raw_tracepoint(${name})`, attach));
}

/** Attaches a program that names its function itself: fentry, fexit. */
export function attachTrampoline(object: BpfObject, program: ProgramName): Disposable {
  const { lib } = object;
  const call = `bpf_program__attach_trace(${program})`;
  return link(object, checkPointer(lib, call, lib.bpf_program__attach_trace(object.program(program))));
}

function link(object: BpfObject, address: Address): Disposable {
  return {
    [Symbol.dispose]: () => {
      object.lib.bpf_link__destroy(address);
    },
  };
}
