// The ladder: ways to see ipset's commands, the best first. Each shows the same events; they differ in what
// they ask of the kernel, in what they cost, and in what they cannot promise.
import type { BpfObject } from "../bpf/object.ts";
import type { ProgramName } from "../events/skeleton.gen.ts";

export const backendNames = ["fexit", "kprobe", "tracepoint"] as const;
export type BackendName = (typeof backendNames)[number];

/** One rung, on a kernel that has shown no reason why it could not be used. Whether it can, load and attach tell. */
export interface Backend {
  readonly name: BackendName;
  /** The programs that it needs; no others are loaded. */
  readonly programs: readonly ProgramName[];
  /** What it cannot promise; told once. */
  readonly caveats: readonly string[];
  /** Between open and load. */
  prepare(object: BpfObject): void;
  /**
   * After load.
   * @throws MineError
   */
  attach(object: BpfObject): DisposableStack;
  /** Whether the kernel's count of runs that it skipped, of these programs, is of commands. */
  readonly countsSkips: boolean;
  /** While attached: how often a probe could not be run, beside what its programs tell. */
  misses?(): number;
  /** Where the kernel may take away what was attached: whether it has. Then attach again. */
  isStale?(): boolean;
}
