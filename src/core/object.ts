// A BPF object and its life: open() it, configure it, load() it into the kernel, attach its programs.
//
//   using opened = open(skeleton, bytes);     // nothing is in the kernel yet
//   opened.rodata.target = 7;
//   using loaded = opened.load();             // opened is empty now
//   using links = loaded.attach();
//
// A skeleton names what is in the object, so that a misspelt name is an error of the compiler.
import * as libbpf from "./ffi/libbpf.ts";
import type { Address } from "./ffi/memory.ts";
import { type Decoded, type Layout, writeField, writeStruct } from "./layout.ts";
import { type LoadedMap, loadedMap, type MapShape, OpenMap } from "./map.ts";
import { LoadedProgram, OpenProgram } from "./program.ts";

/** What is in a BPF object. gen-skeleton.ts writes it from the object's BTF. */
export interface Skeleton {
  readonly programs: readonly string[];
  readonly maps: { readonly [name: string]: MapShape };
  /** `const volatile` variables: set before load(), constants for the verifier from then on. */
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
 * Opens an object: parses it, and finds in it what the skeleton names.
 * @param bytes the ELF file that clang wrote.
 * @throws CallError where it is no BPF object, or does not fit its skeleton.
 */
export function open<const S extends Skeleton>(
  skeleton: S,
  bytes: Uint8Array,
  options: libbpf.OpenOptions = {},
): OpenObject<S> {
  return new OpenObject(skeleton, new Handle(libbpf.openObject(bytes, options)));
}

/** Owns an object of libbpf. */
class Handle implements Disposable {
  #address: Address | undefined;

  constructor(address: Address) {
    this.#address = address;
  }

  get address(): Address {
    this.#requireOwned();
    return this.#address as Address;
  }

  /** Guards a part of the object: libbpf frees it with the object, and makes constants read-only when it loads them. */
  guarded<Part>(part: Part): () => Part {
    return () => {
      this.#requireOwned();
      return part;
    };
  }

  #requireOwned(): void {
    if (this.#address === undefined) throw new Error("this BPF object is closed or was loaded");
  }

  /** Hands the object over to a new owner. */
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

/** An object before load(). Disposing of it closes it. */
export class OpenObject<S extends Skeleton> implements Disposable {
  readonly programs: Programs<S, OpenProgram>;
  readonly maps: OpenMaps<S>;
  /** Assigned to before load(). */
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
   * Loads maps and programs into the kernel. This object is empty afterwards, whether that succeeds or not.
   * @throws CallError, in whose log verifierRefusal() finds the verifier's complaint.
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

/** An object in the kernel. Disposing of it removes its programs and maps, unless something else holds them. */
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

  /** Attaches every loaded program where its SEC() says. @throws CallError; nothing is attached then. */
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

/** Returns an object whose properties are written where libbpf keeps the constants until load(). */
function constantsOf<S extends Skeleton>({ rodata }: S, handle: Handle): Constants<S> {
  const constants = {} as Constants<S>;
  const names = Object.entries(rodata);
  if (names.length === 0) return constants;
  const view = handle.guarded(libbpf.initialValue(libbpf.findMap(handle.address, ".rodata"), ".rodata"));
  for (const [name, field] of names) {
    const set = (value: never): void => {
      const [offset, type] = field;
      if (typeof type === "string") writeField(view(), 0, field as Layout[string], value);
      else writeStruct(view(), offset, type, value);
    };
    Object.defineProperty(constants, name, { set, enumerable: true });
  }
  return constants;
}
