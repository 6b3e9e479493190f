// kprobes and kretprobes on the functions of a module or of the kernel, in the two forms that kernels offer.
import { CallError } from "./errors.ts";
import type { LoadedProgram } from "./program.ts";
import type { Tracefs } from "./tracefs.ts";

/** Where a program is to run. */
export interface ProbePoint {
  /** Undefined for a function that is built in. */
  module: string | undefined;
  symbol: string;
  kind: "entry" | "return";
  program: LoadedProgram;
}

/** A way to make probes. */
export interface Probes {
  readonly description: string;
  /**
   * Attaches a probe. Disposing of it leaves nothing behind.
   * @throws CallError: ENOENT where the kernel has no such function.
   */
  attach(point: ProbePoint): Disposable;
  /** How often the kernel could not run one of them, as far as the kernel counts it. */
  misses(): number;
}

/** Probes of perf_event_open() alone, which end with their file descriptor. The kprobe PMU came in 4.17. */
export const pmuProbes: Probes = {
  description: "kprobes (PMU)",

  attach({ module, symbol, kind, program }) {
    try {
      return program.attachKprobe(symbol, kind);
    } catch (error) {
      // 6.1.60 to 6.1.70 do not find a module's function by its bare name (ENOENT). Since 6.6 the kernel refuses a
      // name that several functions have (EADDRNOTAVAIL). Qualified names work in both.
      if (!module || !(error instanceof CallError) || !["ENOENT", "EADDRNOTAVAIL"].includes(error.code))
        throw error;
      return program.attachKprobe(`${module}:${symbol}`, kind);
    }
  },

  /** Not counted. */
  misses: () => 0,
};

/** Probes written to tracefs, which every kernel with kprobes has. They are removed by name. */
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
