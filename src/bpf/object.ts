// A BPF object: open, set up, load, in this order. What it hands out lives as long as it does.
import type { MapName, ProgramName } from "../events/skeleton.gen.ts";
import { checkPointer, checkResult } from "../ffi/libbpf.ts";
import { type Address, asAddress, cString, packOptions, textAt } from "../ffi/memory.ts";
import type { Libbpf } from "../ffi/symbols.ts";

/** struct bpf_object_open_opts of libbpf.h, up to the last field used here. */
export const OPEN_OPTIONS = { size: 88, objectName: 8, btfCustomPath: 48, bpfTokenPath: 80 } as const;

/** linux/bpf.h: struct bpf_prog_info, up to the last field used here. */
export const PROGRAM_INFO = { size: 216, recursionMisses: 208 } as const;

/** The map that libbpf makes of what is `const volatile`. */
const CONSTANTS = ".rodata";

export interface OpenOptions {
  /** Use this BTF (raw or ELF) of the kernel instead of /sys/kernel/btf/vmlinux. */
  btfPath?: string | undefined;
  /** LINUX_VERSION_CODE for kernels that compare it with their own. */
  versionCode?: number | undefined;
}

export class BpfObject implements Disposable {
  readonly lib: Libbpf;
  readonly #address: Address;
  #closed = false;

  private constructor(lib: Libbpf, address: Address) {
    this.lib = lib;
    this.#address = address;
  }

  static open(lib: Libbpf, image: Uint8Array, { btfPath, versionCode }: OpenOptions): BpfObject {
    const options = packOptions(OPEN_OPTIONS.size, [
      [OPEN_OPTIONS.objectName, cString("mine")],
      [OPEN_OPTIONS.btfCustomPath, btfPath === undefined ? null : cString(btfPath)],
      // Empty: no token, whatever LIBBPF_BPF_TOKEN_PATH in the environment says.
      [OPEN_OPTIONS.bpfTokenPath, cString("")],
    ]);
    const address = checkPointer(
      lib,
      "bpf_object__open_mem",
      lib.bpf_object__open_mem(image, image.length, options),
    );
    const object = new BpfObject(lib, address);
    if (versionCode !== undefined) {
      checkResult("bpf_object__set_kversion", lib.bpf_object__set_kversion(address, versionCode));
    }
    return object;
  }

  /** Before load(): no programs but these are loaded. */
  select(programs: readonly ProgramName[]): void {
    const wanted: ReadonlySet<string> = new Set(programs);
    const next = (after: Address | null) => asAddress(this.lib.bpf_object__next_program(this.address, after));
    for (let program = next(null); program; program = next(program)) {
      const name = asAddress(this.lib.bpf_program__name(program));
      const isWanted = name !== null && wanted.has(textAt(name));
      checkResult("bpf_program__set_autoload", this.lib.bpf_program__set_autoload(program, isWanted));
    }
  }

  /** Before load(), of fentry and fexit: "function", or "module:function", which is found much faster. */
  setTarget(name: ProgramName, target: string): void {
    const set = this.lib.bpf_program__set_attach_target(this.program(name), 0, cString(target));
    checkResult(`bpf_program__set_attach_target(${target})`, set);
  }

  load(): void {
    checkResult("bpf_object__load", this.lib.bpf_object__load(this.address));
  }

  program(name: ProgramName): Address {
    const find = this.lib.bpf_object__find_program_by_name(this.address, cString(name));
    return checkPointer(this.lib, `bpf_object__find_program_by_name(${name})`, find);
  }

  /** After load(). The file descriptor stays the object's. */
  programFd(name: ProgramName): number {
    return checkResult(`bpf_program__fd(${name})`, this.lib.bpf_program__fd(this.program(name)));
  }

  /**
   * After load(): how often the kernel passed by this program, because it, or another one, was running on the same
   * CPU. Told since Linux 5.12 (of probes and tracepoints since 6.7); 0 before.
   */
  misses(name: ProgramName): number {
    const info = new DataView(new ArrayBuffer(PROGRAM_INFO.size));
    const length = new Uint32Array([PROGRAM_INFO.size]);
    const get = this.lib.bpf_prog_get_info_by_fd(this.programFd(name), new Uint8Array(info.buffer), length);
    checkResult(`bpf_prog_get_info_by_fd(${name})`, get);
    return Number(info.getBigUint64(PROGRAM_INFO.recursionMisses, true));
  }

  /** After load(), of a map whose keys are u32. */
  put(name: MapName, key: number, value: Uint8Array | Uint32Array): void {
    const update = this.lib.bpf_map_update_elem(this.mapFd(name), new Uint32Array([key]), value, 0);
    checkResult(`bpf_map_update_elem(${name})`, update);
  }

  /** After load(), of an array: its first element, which is as long as @value. */
  getFirst(name: MapName, value: Uint8Array): void {
    const lookUp = this.lib.bpf_map_lookup_elem(this.mapFd(name), new Uint32Array([0]), value);
    checkResult(`bpf_map_lookup_elem(${name})`, lookUp);
  }

  /** After load(), of a map of programs (BPF_MAP_TYPE_PROG_ARRAY). */
  putProgram(map: MapName, index: number, program: ProgramName): void {
    this.put(map, index, new Uint32Array([this.programFd(program)]));
  }

  /** Before load(), of an object that has constants. @param values all of .rodata. */
  setConstants(values: Uint8Array): void {
    const set = this.lib.bpf_map__set_initial_value(this.#map(CONSTANTS), values, values.length);
    checkResult(`bpf_map__set_initial_value(${CONSTANTS})`, set);
  }

  #map(name: MapName | typeof CONSTANTS): Address {
    const find = this.lib.bpf_object__find_map_by_name(this.address, cString(name));
    return checkPointer(this.lib, `bpf_object__find_map_by_name(${name})`, find);
  }

  /** Before load(). */
  setMaxEntries(name: MapName, entries: number): void {
    checkResult("bpf_map__set_max_entries", this.lib.bpf_map__set_max_entries(this.#map(name), entries));
  }

  /** After load(). The file descriptor stays the object's. */
  mapFd(name: MapName): number {
    return checkResult("bpf_map__fd", this.lib.bpf_map__fd(this.#map(name)));
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.lib.bpf_object__close(this.#address);
  }

  private get address(): Address {
    if (this.#closed) throw new Error("this BPF object is closed");
    return this.#address;
  }
}
