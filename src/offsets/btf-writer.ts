// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes BTF (Documentation/bpf/btf.rst): a header, types, strings. Only what libbpf needs to relocate a field: its
// name, its offset, and the kind and size of its type.

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const KIND = { int: 1, pointer: 2, array: 3, struct: 4 } as const;
const SIGNED = 1 << 24;

/** A type: an integer, a pointer to anything, an array, or a struct. The size of a struct is its end by default. */
export type Type =
  | { kind: "int"; bytes: 1 | 2 | 4 | 8; isSigned?: true }
  | { kind: "pointer" }
  | { kind: "array"; element: Type; length: number }
  | Struct;
export interface Struct {
  kind: "struct";
  members: Members;
  bytes?: number;
}
export type Members = { readonly [name: string]: readonly [offset: number, type: Type] };

/** Returns a file that holds these structs, in the byte order of the machine: little-endian. */
export function writeBtf(structs: Readonly<Record<string, Struct>>): Uint8Array {
  const writer = new Writer();
  for (const [name, struct] of Object.entries(structs)) writer.struct(name, struct);
  return writer.file();
}

class Writer {
  readonly #types: number[] = [];
  readonly #strings: string[] = [""];
  readonly #known = new Map<string, number>();
  #count = 0;
  #stringBytes = 1;

  /** Adds a type once. @returns its id; the id of void is 0. */
  #type(type: Type): number {
    if (type.kind === "struct") return this.struct("", type);
    const key = JSON.stringify(type);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.#simple(type);
    this.#known.set(key, id);
    return id;
  }

  #simple(type: Exclude<Type, { kind: "struct" }>): number {
    switch (type.kind) {
      case "int":
        return this.#add(
          `${type.isSigned ? "s" : "u"}${type.bytes * 8}`,
          KIND.int,
          0,
          type.bytes,
          (type.isSigned ? SIGNED : 0) | (type.bytes * 8),
        );
      case "pointer":
        return this.#add("", KIND.pointer, 0, 0);
      case "array": {
        const element = this.#type(type.element);
        return this.#add("", KIND.array, 0, 0, element, this.#type({ kind: "int", bytes: 4 }), type.length);
      }
    }
  }

  struct(name: string, type: Struct): number {
    const entries = Object.entries(type.members).sort(([, [one]], [, [other]]) => one - other);
    const fields = entries.map(([field, [offset, type]]) => [
      this.#string(field),
      this.#type(type),
      offset * 8,
    ]);
    return this.#add(name, KIND.struct, entries.length, sizeOf(type), ...fields.flat());
  }

  #add(name: string, kind: number, length: number, sizeOrType: number, ...rest: number[]): number {
    this.#types.push(this.#string(name), (kind << 24) | length, sizeOrType, ...rest);
    return ++this.#count;
  }

  #string(text: string): number {
    if (text === "") return 0;
    const offset = this.#stringBytes;
    this.#strings.push(text);
    this.#stringBytes += text.length + 1;
    return offset;
  }

  file(): Uint8Array {
    const typeBytes = this.#types.length * 4;
    const file = new Uint8Array(HEADER_BYTES + typeBytes + this.#stringBytes);
    const view = new DataView(file.buffer);
    view.setUint16(0, MAGIC, true);
    view.setUint8(2, 1);
    [HEADER_BYTES, 0, typeBytes, typeBytes, this.#stringBytes].forEach((word, index) => {
      view.setUint32(4 + 4 * index, word, true);
    });
    for (const [index, word] of this.#types.entries()) view.setUint32(HEADER_BYTES + 4 * index, word, true);
    file.set(new TextEncoder().encode(`${this.#strings.join("\0")}\0`), HEADER_BYTES + typeBytes);
    return file;
  }
}

function sizeOf(type: Type): number {
  switch (type.kind) {
    case "int":
      return type.bytes;
    case "pointer":
      return 8;
    case "array":
      return type.length * sizeOf(type.element);
    case "struct":
      return (
        type.bytes ?? Math.max(0, ...Object.values(type.members).map(([at, inner]) => at + sizeOf(inner)))
      );
  }
}
