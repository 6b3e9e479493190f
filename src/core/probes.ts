// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// kprobes and kretprobes on the functions of a module or of the kernel. Kernels offer two ways to make them.
import { CallError } from "./errors.ts";
import type { LoadedProgram } from "./program.ts";
import type { Tracefs } from "./tracefs.ts";

/** The place and the program of a probe. */
export interface ProbePoint {
  /** Undefined for a built-in function. */
  module: string | undefined;
  symbol: string;
  kind: "entry" | "return";
  program: LoadedProgram;
}

/** A way to make probes. */
export interface Probes {
  readonly description: string;
  /**
   * Attaches a probe. Its disposal removes the probe.
   * @throws CallError: ENOENT if the kernel has no such function.
   */
  attach(point: ProbePoint): Disposable;
  /** Returns the number of runs that the kernel missed at these probes, as far as it counts them. */
  misses(): number;
}

/**
 * Makes probes through perf_event_open() alone. They end with their file descriptor. The kprobe PMU exists
 * since Linux 4.17.
 */
export const pmuProbes: Probes = {
  description: "kprobes (PMU)",

  attach({ module, symbol, kind, program }) {
    try {
      return program.attachKprobe(symbol, kind);
    } catch (error) {
      // Linux 6.1.60 to 6.1.70 do not find a module's function by its bare name (ENOENT). Since 6.6 the
      // kernel refuses a name that several functions have (EADDRNOTAVAIL). Qualified names work in both
      // cases.
      if (!module || !(error instanceof CallError) || !["ENOENT", "EADDRNOTAVAIL"].includes(error.code))
        throw error;
      return program.attachKprobe(`${module}:${symbol}`, kind);
    }
  },

  /** The kernel does not count misses of these probes. */
  misses: () => 0,
};

/** Makes probes through tracefs, which every kernel with kprobes has. They are removed by name. */
export class TracefsProbes implements Probes {
  readonly description = "kprobes (tracefs)";
  readonly #tracefs: Tracefs;

  constructor(tracefs: Tracefs) {
    this.#tracefs = tracefs;
  }

  attach({ module, symbol, kind, program }: ProbePoint): Disposable {
    using stack = new DisposableStack();
    const probe = stack.use(this.#tracefs.addProbe(module ? `${module}:${symbol}` : symbol, kind));
    stack.use(program.attachTracepoint(probe.id));
    return stack.move();
  }

  misses(): number {
    return this.#tracefs.misses();
  }
}
