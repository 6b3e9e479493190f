// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Loads the object of a skeleton with the chosen programs, buffer size and filter.
import type { LoadedProgram, OpenOptions } from "bun-libbpf";
import { type LoadedObject, type OpenObject, open, type Skeleton } from "bun-libbpf";
import type { Decoded } from "bun-libbpf/layout";
import type { fexitModern, mineFilter, tracepointLegacy } from "../events/skeleton.gen.ts";

/** Filter for the events that the BPF programs report. */
export type KernelFilter = Decoded<typeof mineFilter>;

export interface SetUp {
  options: OpenOptions;
  filter: KernelFilter;
  /** Bytes of the ring buffer; 0 selects the legacy object, for kernels without ring buffers. */
  ringBytes: number;
}

type Modern = Skeleton &
  Pick<typeof fexitModern, "rodata"> & { maps: Pick<typeof fexitModern.maps, "events"> };
type Legacy = Skeleton & { maps: Pick<typeof tracepointLegacy.maps, "filters"> };

/** Loads an object for kernels with ring buffers (5.8). Its filter is a constant. */
export function loadModern<S extends Modern>(
  skeleton: S,
  bytes: Uint8Array,
  { options, filter, ringBytes }: SetUp,
  programs: readonly S["programs"][number][],
  configure: (object: OpenObject<S>) => void = () => {},
): LoadedObject<S> {
  using object = open(skeleton, bytes, options);
  select(object, programs);
  const { rodata, maps }: OpenObject<Modern> = object;
  rodata.filterConstant = filter;
  maps.events.maxEntries = ringBytes;
  configure(object);
  return object.load();
}

/** Loads an object for kernels without ring buffers. Its filter is in a map. */
export function loadLegacy<S extends Legacy>(
  skeleton: S,
  bytes: Uint8Array,
  { options, filter }: SetUp,
  programs: readonly S["programs"][number][],
): LoadedObject<S> {
  using object = open(skeleton, bytes, options);
  select(object, programs);
  using stack = new DisposableStack();
  const loaded = stack.use(object.load());
  const { maps }: LoadedObject<Legacy> = loaded;
  maps.filters.set(0, filter);
  stack.move();
  return loaded;
}

function select(object: OpenObject<Skeleton>, programs: readonly string[]): void {
  for (const [name, program] of Object.entries(object.programs)) program.autoload = programs.includes(name);
}

export const loadedPrograms = (object: { programs: Record<string, LoadedProgram> }): LoadedProgram[] =>
  Object.values(object.programs).filter(({ isLoaded }) => isLoaded);
