// The ways to see ipset's commands, best first. Each gives the same events. They differ in what they need of the
// kernel, in what they cost the audited programs, and in what they cannot promise.
import type { LoadedMap } from "../core/map.ts";
import type { LoadedProgram } from "../core/program.ts";
import type { mineCheck, mineCounters } from "../events/skeleton.gen.ts";
import type { SetUp } from "./load.ts";

export const backendNames = ["fexit", "kprobe", "tracepoint"] as const;
export type BackendName = (typeof backendNames)[number];

/** A backend that this kernel may support. load() and attach() tell whether it does. */
export interface Backend {
  readonly name: BackendName;
  /** Limits of this backend that the user must know. */
  readonly caveats: readonly string[];
  /** Whether the kernel's count of skipped runs of its programs is one of commands. */
  readonly countsSkips: boolean;
  /** @throws CallError; nothing is loaded then. */
  load(setUp: SetUp): LoadedBackend;
}

/** The maps of every object. */
export interface CommonMaps {
  readonly events: LoadedMap<Record<never, never>>;
  readonly counters: LoadedMap<{ value: typeof mineCounters }>;
  readonly checks: LoadedMap<{ value: typeof mineCheck }>;
}

/** A backend whose programs and maps are in the kernel. Disposing of it removes them. */
export interface LoadedBackend extends Disposable {
  readonly maps: CommonMaps;
  readonly programs: readonly LoadedProgram[];
  /** @throws MineError; nothing is attached then. */
  attach(): DisposableStack;
  /** While attached: how often the kernel could not run a probe, beside the skipped runs of its programs. */
  misses?(): number;
  /** Whether the kernel has removed the probes, where it can do that. The caller then attaches again. */
  isStale?(): boolean;
}
