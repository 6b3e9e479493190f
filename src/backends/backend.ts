// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Backends: ways to see ipset commands, best first. All report the same events. They differ in their kernel
// requirements, in their cost for the audited programs, and in their guarantees.
import type { LoadedMap, LoadedProgram } from "bun-libbpf";
import type { mineCheck, mineCounters } from "../events/skeleton.gen.ts";
import type { SetUp } from "./load.ts";

export const backendNames = ["fexit", "kprobe", "tracepoint"] as const;
export type BackendName = (typeof backendNames)[number];

/** A backend that this kernel may support. load() and attach() find out whether it does. */
export interface Backend {
  readonly name: BackendName;
  /** Limits of this backend that the user must know. */
  readonly caveats: readonly string[];
  /** Whether each run of its programs that the kernel skips is a missed command. */
  readonly countsSkips: boolean;
  /** Loads its programs and maps. @throws CallError. Nothing is loaded then. */
  load(setUp: SetUp): LoadedBackend;
}

/** Maps that every object has. */
export interface CommonMaps {
  readonly events: LoadedMap<Record<never, never>>;
  readonly counters: LoadedMap<{ value: typeof mineCounters }>;
  readonly checks: LoadedMap<{ value: typeof mineCheck }>;
}

/** A backend whose programs and maps are in the kernel. Its disposal removes them. */
export interface LoadedBackend extends Disposable {
  readonly maps: CommonMaps;
  readonly programs: readonly LoadedProgram[];
  /** Attaches its programs. @throws MineError. Nothing is attached then. */
  attach(): DisposableStack;
  /**
   * Returns, while attached, how often the kernel missed a probe. Skipped runs of its programs are not
   * included.
   */
  misses?(): number;
  /**
   * Returns whether the kernel has removed the probes. The caller then attaches again. Absent if the kernel
   * cannot remove them.
   */
  isStale?(): boolean;
}
