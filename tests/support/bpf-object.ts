// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads maps, programs and CO-RE relocations of a compiled BPF object, from its BTF.
// Member indices in .BTF.ext are valid only with the types of the same object.
import { cString, Elf } from "./elf.ts";

export interface Relocation {
  /** Byte offset of the instruction in its section. */
  offset: number;
  /** Relocated item by name. Objects compiled against different kernels compare equal. */
  what: string;
}

export interface Program {
  code: Buffer;
  relocations: Relocation[];
}

/** A map as declared in the section ".maps". */
export interface MapDefinition {
  name: string;
  /** Numbers of __uint(), and sizes in bytes of the types of __type(). */
  attributes: Record<string, number>;
}

interface Type {
  kind: number;
  name: string;
  /** Id of the type that this one refers to: the target of a pointer, typedef or const, or an array's element. */
  to: number;
  /** Number of elements of an array; else 0. */
  elements: number;
  /** Size in bytes, for kinds whose entry holds it; else 0. */
  size: number;
  members: { name: string; type: number }[];
}

const INT = 1;
const POINTER = 2;
const ARRAY = 3;
const STRUCT = 4;
const UNION = 5;
const ENUM = 6;
const DATASEC = 15;
const ENUM64 = 19;
// typedef, volatile, const, restrict, type tag: skipped on the way to a struct.
const TRANSPARENT = new Set([8, 9, 10, 11, 18]);
// Bytes that follow the entry of a type, by kind. For the kinds in WITH_MEMBERS: bytes per member.
const EXTRA: Record<number, number> = {
  1: 4,
  3: 12,
  4: 12,
  5: 12,
  6: 8,
  13: 8,
  14: 4,
  15: 12,
  17: 4,
  19: 12,
};
const WITH_MEMBERS = new Set([STRUCT, UNION, ENUM, 13, DATASEC, ENUM64]);
const SIZED = new Set([INT, STRUCT, UNION, ENUM, ENUM64]);
// enum bpf_core_relo_kind
const FIELD_KINDS = new Set([0, 1, 2, 3, 4, 5]);
const ENUM_KINDS = new Set([10, 11]);

function readTypes(btf: Buffer) {
  const headerLength = btf.readUInt32LE(4);
  const types = btf.subarray(headerLength + btf.readUInt32LE(8)).subarray(0, btf.readUInt32LE(12));
  const strings = btf.subarray(headerLength + btf.readUInt32LE(16));
  const string = (offset: number) => cString(strings, offset);
  const list: Type[] = [{ kind: 0, name: "void", to: 0, elements: 0, size: 0, members: [] }];
  for (let at = 0; at < types.length; ) {
    const info = types.readUInt32LE(at + 4);
    const kind = (info >> 24) & 31;
    const size = EXTRA[kind] ?? 0;
    const count = WITH_MEMBERS.has(kind) ? info & 0xffff : 1;
    const extra = types.subarray(at + 12, at + 12 + count * size);
    const members: Type["members"] = [];
    if (WITH_MEMBERS.has(kind)) {
      for (let m = 0; m < extra.length; m += size) {
        // An entry of a section begins with its type. All other entries begin with a name.
        if (kind === DATASEC) members.push({ name: "", type: extra.readUInt32LE(m) });
        else members.push({ name: string(extra.readUInt32LE(m)), type: extra.readUInt32LE(m + 4) });
      }
    }
    const sizeOrType = types.readUInt32LE(at + 8);
    list.push({
      kind,
      name: string(types.readUInt32LE(at)),
      to: kind === ARRAY ? extra.readUInt32LE(0) : sizeOrType,
      elements: kind === ARRAY ? extra.readUInt32LE(8) : 0,
      size: SIZED.has(kind) ? sizeOrType : 0,
      members,
    });
    at += 12 + extra.length;
  }
  const type = (id: number): Type => {
    const found = list[id];
    if (!found) throw new Error(`the object has no type ${id}`);
    return TRANSPARENT.has(found.kind) ? type(found.to) : found;
  };
  return { list, type, string };
}

/** Describes a relocation by names: "kind 0 of task_struct 0.loginuid.val" for that type and access "0:72:0". */
function describe(types: ReturnType<typeof readTypes>, id: number, access: string, kind: number): string {
  const named = types.list[id];
  const [first = "", ...rest] = access.split(":");
  let at = types.type(id);
  let path = ENUM_KINDS.has(kind) ? (at.members[Number(first)]?.name ?? "?") : first;
  for (const index of FIELD_KINDS.has(kind) ? rest : []) {
    const member = at.members[Number(index)];
    // libbpf looks through an unnamed struct or union of the kernel.
    const step = member?.name === "" ? "" : `.${member?.name ?? "?"}`;
    path += at.kind === ARRAY ? `[${index}]` : step;
    at = types.type(at.kind === ARRAY ? at.to : (member?.type ?? 0));
  }
  return `kind ${kind} of ${named?.name} ${path}`;
}

/** Reads the programs of an object by section name, with their CO-RE relocations (struct btf_ext_header). */
export function readPrograms(elf: Buffer): Map<string, Program> {
  const file = new Elf(elf);
  const types = readTypes(file.section(".BTF"));
  const ext = file.section(".BTF.ext");
  const start = ext.readUInt32LE(4) + ext.readUInt32LE(24);
  const relocations = ext.subarray(start, start + ext.readUInt32LE(28));
  const programs = new Map<string, Program>();
  if (relocations.length === 0) return programs;
  const size = relocations.readUInt32LE(0);
  for (let at = 4; at < relocations.length; ) {
    const name = types.string(relocations.readUInt32LE(at));
    const program: Program = { code: Buffer.from(file.section(name)), relocations: [] };
    const end = at + 8 + relocations.readUInt32LE(at + 4) * size;
    for (at += 8; at < end; at += size) {
      const [offset, id, access, kind] = [0, 4, 8, 12].map((field) => relocations.readUInt32LE(at + field));
      const what = describe(types, id ?? 0, types.string(access ?? 0), kind ?? 0);
      program.relocations.push({ offset: offset ?? 0, what });
    }
    programs.set(name, program);
  }
  return programs;
}

/** Reads the maps of an object. bpf_helpers.h encodes a number as an array length, and a type as a pointer target. */
export function readMaps(elf: Buffer): MapDefinition[] {
  const { list, type } = readTypes(new Elf(elf).section(".BTF"));
  const sizeOf = (id: number): number => {
    const { kind, size, to, elements } = type(id);
    if (kind === ARRAY) return elements * sizeOf(to);
    return kind === POINTER ? 8 : size;
  };
  const read = ({ name, type: id }: Type["members"][number]): [string, number] => {
    const pointed = type(id).to;
    // __uint() is a pointer to an array of int, and so is __type() of such an array. Only the names differ.
    const isType = name === "key" || name === "value";
    return isType ? [`${name}_size`, sizeOf(pointed)] : [name, type(pointed).elements];
  };
  const section = list.find(({ kind, name }) => kind === DATASEC && name === ".maps");
  return (section?.members ?? []).map(({ type: id }) => {
    const variable = list[id];
    const fields = type(variable?.to ?? 0).members.map(read);
    return { name: variable?.name ?? "?", attributes: Object.fromEntries(fields) };
  });
}
