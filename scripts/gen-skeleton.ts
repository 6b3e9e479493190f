// Writes the TypeScript skeleton of the BPF objects, as `bpftool gen skeleton` does for C: programs, maps,
// the event's fields with their offsets, the counters. Everything is read from the objects' BTF.
//
//   bun scripts/gen-skeleton.ts BPFTOOL OBJECT...
//
// Several builds of one source need not have the same programs and maps, but must agree on the structs.

interface BtfType {
  id: number;
  kind: string;
  name: string;
  type_id?: number;
  size?: number;
  nr_elems?: number;
  nr_bits?: number;
  encoding?: string;
  linkage?: string;
  members?: { name: string; type_id: number; bits_offset: number; bitfield_size?: number }[];
  values?: { name: string; val: number }[];
  vars?: { type_id: number }[];
  params?: { type_id: number }[];
}

const LINE_WIDTH = 110;

function readBtf(bpftool: string, object: string): Map<number, BtfType> {
  const run = Bun.spawnSync([bpftool, "--json", "btf", "dump", "file", object]);
  if (!run.success) throw new Error(`bpftool could not read the BTF of ${object}: ${run.stderr}`);
  const { types } = JSON.parse(run.stdout.toString()) as { types: BtfType[] };
  return new Map(types.map((type) => [type.id, type]));
}

interface Skeleton {
  programs: string[];
  maps: string[];
  /** TypeScript of the structs' layouts. */
  structs: string;
}

function skeleton(types: Map<number, BtfType>): Skeleton {
  const all = [...types.values()];
  const find = (kind: string, name: string): BtfType => {
    const type = all.find((candidate) => candidate.kind === kind && candidate.name === name);
    if (!type) throw new Error(`no ${kind} ${name} in the BTF`);
    return type;
  };
  const resolve = (id: number): BtfType => {
    const type = types.get(id);
    if (!type) throw new Error(`no type ${id} in the BTF`);
    const isAlias = ["TYPEDEF", "CONST", "VOLATILE"].includes(type.kind);
    return isAlias && type.type_id !== undefined ? resolve(type.type_id) : type;
  };

  // A function without a context is one that programs call.
  const takesContext = ({ type_id = 0 }: BtfType): boolean => (types.get(type_id)?.params ?? []).length > 0;
  const programs = all.filter(
    (type) => type.kind === "FUNC" && type.linkage === "global" && takesContext(type),
  );
  const maps = (find("DATASEC", ".maps").vars ?? []).map(({ type_id }) => resolve(type_id));
  const fields = (struct: string) =>
    (find("STRUCT", struct).members ?? []).map(({ name, type_id, bits_offset, bitfield_size }) => {
      if (bitfield_size) throw new Error(`${struct}.${name} is a bit field`);
      return `  ${camelCase(name)}: [${bits_offset / 8}, ${fieldType(`${struct}.${name}`, resolve(type_id), resolve)}],`;
    });
  const constants = (name: string) =>
    (find("ENUM", name).values ?? []).map(
      ({ name, val }) => `  ${camelCase(name.replace(/^MINE_/, ""))}: ${val},`,
    );

  const structs = `/** struct mine_event of bpf/mine.h. */
export const mineEvent = {
${fields("mine_event").join("\n")}
} as const satisfies Layout;

/** enum mine_flag of bpf/mine.h: bits of mineEvent.flags. */
export const mineFlag = {
${constants("mine_flag").join("\n")}
} as const;

/** struct mine_filter of bpf/mine.h: the one element of the "filters" map. */
export const mineFilter = {
${fields("mine_filter").join("\n")}
} as const satisfies Layout;

/** struct mine_check of bpf/mine.h: the one element of the "checks" map. */
export const mineCheck = {
${fields("mine_check").join("\n")}
} as const satisfies Layout;

/** struct mine_counters of bpf/mine.h: the one element, per CPU, of the "counters" map. */
export const mineCounters = {
${fields("mine_counters").join("\n")}
} as const satisfies Layout;
`;
  return { programs: programs.map(({ name }) => name), maps: maps.map(({ name }) => name), structs };
}

function fieldType(name: string, type: BtfType, resolve: (id: number) => BtfType): string {
  if (type.kind === "INT" && type.nr_bits) {
    return `"${type.encoding === "SIGNED" ? "s" : "u"}${type.nr_bits}"`;
  }
  if (type.kind === "ENUM" && type.size) return `"u${type.size * 8}"`;
  if (type.kind === "ARRAY" && type.type_id !== undefined && resolve(type.type_id).size === 1) {
    // Characters are text that ends with a NUL; the rest is bytes.
    return `"${resolve(type.type_id).name === "char" ? "string" : "bytes"}", ${type.nr_elems}`;
  }
  throw new Error(`${name} is a ${type.kind}, which the skeleton does not know`);
}

/** On one line if there is room, as the formatter would have it. */
function union(type: string, names: string[]): string {
  const literals = [...new Set(names)].sort().map((name) => `"${name}"`);
  const line = `export type ${type} = ${literals.join(" | ")};`;
  return line.length <= LINE_WIDTH
    ? line
    : `export type ${type} =${literals.map((literal) => `\n  | ${literal}`).join("")};`;
}

const camelCase = (name: string): string =>
  name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

const [bpftool, ...objects] = Bun.argv.slice(2);
if (!bpftool || objects.length === 0) throw new Error("usage: gen-skeleton.ts BPFTOOL OBJECT...");
const skeletons = objects.map((object) => skeleton(readBtf(bpftool, object)));
const [structs = "", ...others] = new Set(skeletons.map(({ structs }) => structs));
if (others.length > 0) throw new Error(`${objects.join(" and ")} do not have the same structs`);
process.stdout.write(`// Generated by scripts/gen-skeleton.ts from the BTF of the BPF objects ('make generate'). Do not edit.
import type { Layout } from "./layout.ts";

/** In one object or more. */
${union(
  "ProgramName",
  skeletons.flatMap(({ programs }) => programs),
)}

/** In one object or more. */
${union(
  "MapName",
  skeletons.flatMap(({ maps }) => maps),
)}

${structs}`);
