// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A BPF map, before and after its object is loaded.
import * as libbpf from "./ffi/libbpf.ts";
import type { Address } from "./ffi/memory.ts";
import { type Decoded, type Layout, structOf, writeStruct } from "./layout.ts";

/** The type of a map's values: a struct, or bytes if there is none. */
export interface MapShape {
  readonly value?: Layout;
}

/** A map before load(). */
export class OpenMap {
  readonly #address: () => Address;
  readonly #name: string;

  constructor(address: () => Address, name: string) {
    this.#address = address;
    this.#name = name;
  }

  /** Maximum number of elements; bytes for a ring buffer. */
  set maxEntries(entries: number) {
    libbpf.setMaxEntries(this.#address(), this.#name, entries);
  }
}

/** enum bpf_map_type of linux/bpf.h: maps with one value per CPU. */
const perCpuTypes = { percpuHash: 5, percpuArray: 6, lruPercpuHash: 10, percpuCgroupStorage: 21 } as const;

/** The value type of a map: a struct if its skeleton has one, else bytes. */
export type ValueOf<Shape extends MapShape> = Shape["value"] extends Layout
  ? Decoded<Shape["value"]>
  : Uint8Array;

/** A key: bytes, or an unsigned number. The number takes the map's key size, at most eight bytes. */
export type Key = number | bigint | Uint8Array;

/** A map after load(). It is valid as long as its object. */
export interface LoadedMap<Shape extends MapShape> {
  readonly name: string;
  /** File descriptor. The object owns it. */
  readonly fd: number;
  readonly info: libbpf.MapInfo;
  /** Reads the value of a key. @throws CallError: ENOENT if the key has no element. */
  get(key: Key): ValueOf<Shape>;
  /** Reads the values of all CPUs of a per-CPU map. @throws CallError: ENOENT if the key has no element. */
  getAll(key: Key): ValueOf<Shape>[];
  /**
   * Writes the value of a key. Per-CPU maps do not support this.
   * @param value for a map of programs or maps: a file descriptor as four bytes, see fdValue().
   * @throws RangeError if the map is per-CPU, or if the key or the value has the wrong size.
   * @throws CallError.
   */
  set(key: Key, value: ValueOf<Shape>): void;
  delete(key: Key): void;
}

export function loadedMap<Shape extends MapShape>(
  address: Address,
  name: string,
  { value: layout }: Shape,
): LoadedMap<Shape> {
  const info = libbpf.mapInfo(address);
  const isPerCpu = Object.values<number>(perCpuTypes).includes(info.type);
  const Struct = layout && structOf(layout);
  /** Bytes per CPU: the kernel pads each value to eight. */
  const stride = isPerCpu ? (info.valueSize + 7) & ~7 : info.valueSize;

  const decoded = (view: DataView, at: number): ValueOf<Shape> =>
    (Struct
      ? new Struct(view, at)
      : new Uint8Array(view.buffer, view.byteOffset + at, info.valueSize)) as ValueOf<Shape>;

  const map: LoadedMap<Shape> = {
    name,
    info,
    get fd() {
      return libbpf.mapFd(address, name);
    },
    get: (key) => map.getAll(key)[0] as ValueOf<Shape>,
    getAll: (key) => {
      const count = isPerCpu ? libbpf.possibleCpus() : 1;
      const bytes = new Uint8Array(stride * count);
      const view = new DataView(bytes.buffer);
      libbpf.lookUpElement(map.fd, name, keyBytes(key, info.keySize), bytes);
      return Array.from({ length: count }, (_, cpu) => decoded(view, cpu * stride));
    },
    set: (key, value) => {
      const bytes = value instanceof Uint8Array ? value : new Uint8Array(info.valueSize);
      if (layout && !(value instanceof Uint8Array)) {
        writeStruct(new DataView(bytes.buffer), 0, layout, value as Decoded<Layout>);
      }
      if (isPerCpu || bytes.length !== info.valueSize) {
        throw new RangeError(`map ${name} has values of ${info.valueSize} bytes, not ${bytes.length}`);
      }
      libbpf.updateElement(map.fd, name, keyBytes(key, info.keySize), bytes);
    },
    delete: (key) => libbpf.deleteElement(map.fd, name, keyBytes(key, info.keySize)),
  };
  return map;
}

/** Returns a file descriptor as the value of a map of programs or maps. */
export const fdValue = (fd: number): Uint8Array => new Uint8Array(new Uint32Array([fd]).buffer);

function keyBytes(key: Key, size: number): Uint8Array {
  if (key instanceof Uint8Array) {
    if (key.length !== size) throw new RangeError(`the map has keys of ${size} bytes, not ${key.length}`);
    return key;
  }
  const number = BigInt(key);
  if (size > 8 || BigInt.asUintN(8 * size, number) !== number)
    throw new RangeError(`key ${key} does not fit into ${size} bytes`);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, number, true);
  return bytes.subarray(0, size);
}
