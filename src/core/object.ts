// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A BPF object and its life: open() it, configure it, load() it into the kernel, attach its programs.
//
//   using opened = open(skeleton, bytes);     // nothing is in the kernel yet
//   opened.rodata.target = 7;
//   using loaded = opened.load();             // opened is empty now
//   using links = loaded.attach();
//
// The skeleton names the parts of the object, so a misspelt name is a compile error.
import * as libbpf from "./ffi/libbpf.ts";
import type { Address } from "./ffi/memory.ts";
import { type Decoded, type Layout, writeField, writeStruct } from "./layout.ts";
import { type LoadedMap, loadedMap, type MapShape, OpenMap } from "./map.ts";
import { LoadedProgram, OpenProgram } from "./program.ts";

/** The parts of a BPF object. gen-skeleton.ts generates it from the object's BTF. */
export interface Skeleton {
  readonly programs: readonly string[];
  readonly maps: { readonly [name: string]: MapShape };
  /** `const volatile` variables. They are set before load(); for the verifier they are constants. */
  readonly rodata: { readonly [name: string]: Layout[string] | readonly [offset: number, struct: Layout] };
}

type Programs<S extends Skeleton, Program> = { readonly [Name in S["programs"][number]]: Program };
type OpenMaps<S extends Skeleton> = { readonly [Name in keyof S["maps"]]: OpenMap };
type LoadedMaps<S extends Skeleton> = {
  readonly [Name in keyof S["maps"]]: LoadedMap<S["maps"][Name]>;
};
type Constant<Field> = Field extends readonly [number, infer Struct extends Layout]
  ? Decoded<Struct>
  : Field extends Layout[string]
    ? Decoded<{ value: Field }>["value"]
    : never;
type Constants<S extends Skeleton> = { -readonly [Name in keyof S["rodata"]]: Constant<S["rodata"][Name]> };

/**
 * Opens an object: parses it, and finds the parts that the skeleton names. Nothing is in the kernel yet.
 * @param bytes the ELF file that clang wrote.
 * @throws CallError if the bytes are not a BPF object, or do not fit the skeleton.
 */
export function open<const S extends Skeleton>(
  skeleton: S,
  bytes: Uint8Array,
  options: libbpf.OpenOptions = {},
): OpenObject<S> {
  return new OpenObject(skeleton, new Handle(libbpf.openObject(bytes, options)));
}

/** The owner of an object of libbpf. */
class Handle implements Disposable {
  #address: Address | undefined;

  constructor(address: Address) {
    this.#address = address;
  }

  get address(): Address {
    this.#requireOwned();
    return this.#address as Address;
  }

  /**
   * Guards a part of the object against use after load() or close. libbpf frees the part with its object, and
   * load() makes constants read-only.
   */
  guarded<Part>(part: Part): () => Part {
    return () => {
      this.#requireOwned();
      return part;
    };
  }

  #requireOwned(): void {
    if (this.#address === undefined) throw new Error("this BPF object is closed or was loaded");
  }

  /** Moves the object to a new owner. */
  move(): Handle {
    const moved = new Handle(this.address);
    this.#address = undefined;
    return moved;
  }

  [Symbol.dispose](): void {
    if (this.#address !== undefined) libbpf.closeObject(this.#address);
    this.#address = undefined;
  }
}

/** An object before load(). Its disposal closes it. */
export class OpenObject<S extends Skeleton> implements Disposable {
  readonly programs: Programs<S, OpenProgram>;
  readonly maps: OpenMaps<S>;
  /** Write-only constants. Assign them before load(). */
  readonly rodata: Constants<S>;
  readonly #skeleton: S;
  readonly #handle: Handle;

  /** Use open(). */
  constructor(skeleton: S, handle: Handle) {
    using stack = new DisposableStack();
    stack.use(handle);
    const { address } = handle;
    const program = (name: string) => new OpenProgram(handle.guarded(libbpf.findProgram(address, name)));
    const map = (name: string) => new OpenMap(handle.guarded(libbpf.findMap(address, name)), name);
    this.#skeleton = skeleton;
    this.#handle = handle;
    this.programs = record(skeleton.programs, program) as Programs<S, OpenProgram>;
    this.maps = record(Object.keys(skeleton.maps), map) as OpenMaps<S>;
    this.rodata = constantsOf(skeleton, handle);
    stack.move();
  }

  /**
   * Loads the maps and programs into the kernel. This object is empty afterwards, even if the load fails.
   * @throws CallError. verifierRefusal() finds the verifier's complaint in its log.
   */
  load(): LoadedObject<S> {
    using handle = this.#handle.move();
    libbpf.loadObject(handle.address);
    return new LoadedObject(this.#skeleton, handle.move());
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]();
  }
}

/**
 * An object in the kernel. Its disposal removes its programs and maps, unless another reference holds them.
 */
export class LoadedObject<S extends Skeleton> implements Disposable {
  readonly programs: Programs<S, LoadedProgram>;
  readonly maps: LoadedMaps<S>;
  readonly #handle: Handle;

  /** Use OpenObject.load(). */
  constructor(skeleton: S, handle: Handle) {
    using stack = new DisposableStack();
    stack.use(handle);
    const { address } = handle;
    const program = (name: string) => new LoadedProgram(libbpf.findProgram(address, name), name);
    const map = (name: string) => loadedMap(libbpf.findMap(address, name), name, skeleton.maps[name] ?? {});
    this.programs = record(skeleton.programs, program) as Programs<S, LoadedProgram>;
    this.maps = record(Object.keys(skeleton.maps), map) as LoadedMaps<S>;
    this.#handle = handle;
    stack.move();
  }

  /**
   * Attaches each loaded program at the place that its SEC() names.
   * @throws CallError. No program stays attached then.
   */
  attach(): DisposableStack {
    using stack = new DisposableStack();
    for (const program of Object.values<LoadedProgram>(this.programs)) {
      if (program.isLoaded) stack.use(program.attach());
    }
    return stack.move();
  }

  [Symbol.dispose](): void {
    this.#handle[Symbol.dispose]();
  }
}

const record = <Value>(names: readonly string[], make: (name: string) => Value): Record<string, Value> =>
  Object.fromEntries(names.map((name) => [name, make(name)]));

/**
 * Returns an object whose setters write to libbpf's copy of the constants. load() gives this copy to the
 * kernel.
 */
function constantsOf<S extends Skeleton>({ rodata }: S, handle: Handle): Constants<S> {
  const constants = {} as Constants<S>;
  const names = Object.entries(rodata);
  if (names.length === 0) return Object.preventExtensions(constants);
  const view = handle.guarded(libbpf.initialValue(libbpf.findMap(handle.address, ".rodata"), ".rodata"));
  for (const [name, field] of names) {
    const set = (value: never): void => {
      const [offset, type] = field;
      if (typeof type === "string") writeField(view(), 0, field as Layout[string], value);
      else writeStruct(view(), offset, type, value);
    };
    Object.defineProperty(constants, name, { set, enumerable: true });
  }
  // Bun does not check types: an assignment to a misspelt name must fail when it runs.
  return Object.preventExtensions(constants);
}
