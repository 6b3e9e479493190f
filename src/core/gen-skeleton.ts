#!/usr/bin/env bun
// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Generates the TypeScript skeleton of BPF objects, as `bpftool gen skeleton` does for C. A skeleton names
// programs, maps and constants. It also has the structs that BPF shares with user space, with their offsets.
// All of it comes from the BTF of the objects.
//
//   bun-libbpf-skeleton OBJECT...
//
// The constant for kprobe.modern.bpf.o is `kprobeModern`, which open() of the core takes. Objects of one
// source share their structs. The skeleton includes a struct if a global variable or a map has its type,
// directly or through a pointer. For the records of a ring buffer, add `const struct event *unused
// __attribute__((unused));`.
// The environment variable BPFTOOL names the bpftool to call.
import { basename } from "node:path";

interface BtfType {
  id: number;
  kind: string;
  name: string;
  type_id?: number;
  size?: number;
  nr_elems?: number;
  nr_bits?: number;
  encoding?: string;
  members?: { name: string; type_id: number; bits_offset: number; bitfield_size?: number }[];
  values?: { name: string; val: number }[];
  vars?: { type_id: number }[];
}

function run(...command: string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(command);
  // bpftool prints its error to stdout with --json.
  if (!success) throw new Error(`${command.join(" ")}: ${stderr}${stdout}`);
  return stdout.toString();
}

const LINE_WIDTH = 110;

const { BPFTOOL: bpftool = "bpftool" } = process.env;

class Btf {
  readonly all: BtfType[];
  readonly #types: Map<number, BtfType>;

  constructor(object: string) {
    const dump = run(bpftool, "--json", "btf", "dump", "file", object);
    // bpftool writes a negative value of an enumeration as an unsigned number of 64 bits.
    const signed = dump.replace(/(?<="val":)\d{16,}/g, (digits) => `${BigInt.asIntN(64, BigInt(digits))}`);
    this.all = (JSON.parse(signed) as { types: BtfType[] }).types;
    this.#types = new Map(this.all.map((type) => [type.id, type]));
  }

  type(id: number): BtfType {
    return this.#types.get(id) ?? { id, kind: "VOID", name: "void" };
  }

  /** Follows typedefs and qualifiers, and pointers too if `kinds` has PTR. */
  resolve(id: number, kinds = ["TYPEDEF", "CONST", "VOLATILE"]): BtfType {
    const type = this.type(id);
    return kinds.includes(type.kind) ? this.resolve(type.type_id ?? 0, kinds) : type;
  }

  isVolatile(id: number): boolean {
    const { kind, type_id = 0 } = this.type(id);
    return kind === "VOLATILE" || (["TYPEDEF", "CONST", "ARRAY"].includes(kind) && this.isVolatile(type_id));
  }

  target(id: number): BtfType {
    return this.resolve(id, ["TYPEDEF", "CONST", "VOLATILE", "PTR"]);
  }

  section(name: string): BtfType[] {
    const section = this.all.find((type) => type.kind === "DATASEC" && type.name === name);
    return (section?.vars ?? []).map(({ type_id }) => this.type(type_id));
  }

  get sections(): string[] {
    return this.all.filter(({ kind }) => kind === "DATASEC").map(({ name }) => name);
  }
}

const camelCase = (name: string): string =>
  name
    .toLowerCase()
    .replace(/^_+/, "")
    .replace(/[_.](\w)/g, (_, letter: string) => letter.toUpperCase());

/** Returns the type of a field for a Layout; undefined if TypeScript cannot read the type. */
function fieldType(btf: Btf, id: number): string | undefined {
  const type = btf.resolve(id);
  if (type.kind === "INT" && [8, 16, 32, 64].includes(type.nr_bits ?? 0))
    return `"${type.encoding === "SIGNED" ? "s" : "u"}${type.nr_bits}"`;
  if (type.kind === "ENUM" && type.size)
    return `"${type.values?.some(({ val }) => val < 0) ? "s" : "u"}${type.size * 8}"`;
  if (type.kind === "ARRAY" && type.type_id !== undefined && btf.resolve(type.type_id).size === 1) {
    // An array of char is text that ends with a NUL. An array of another one-byte type is bytes.
    return `"${btf.resolve(type.type_id).name === "char" ? "string" : "bytes"}", ${type.nr_elems}`;
  }
  return undefined;
}

/** The TypeScript of structs and enumerations, by name, in the order of their first use. */
class Declarations {
  readonly texts = new Map<string, string>();

  /** Returns the name of the struct's constant; undefined if TypeScript cannot read the struct. */
  add(btf: Btf, { kind, name, members = [] }: BtfType): string | undefined {
    if (kind !== "STRUCT" || name === "" || name === "(anon)") return undefined;
    const fields = members.map((member) => {
      const type = member.bitfield_size ? undefined : fieldType(btf, member.type_id);
      return type && `  ${camelCase(member.name)}: [${member.bits_offset / 8}, ${type}],`;
    });
    if (fields.includes(undefined)) return undefined;
    const constant = camelCase(name);
    const text = `/** struct ${name} */
export const ${constant} = {
${fields.join("\n")}
} as const satisfies Layout;
`;
    this.#keep(constant, text);
    for (const { type_id } of members) this.#addEnum(btf.resolve(type_id));
    return constant;
  }

  #addEnum({ kind, name, values = [] }: BtfType): void {
    if (kind !== "ENUM" || name === "" || name === "(anon)") return;
    const prefix = new RegExp(`^${name.split("_")[0]}_`, "i");
    const lines = values.map(({ name, val }) => `  ${camelCase(name.replace(prefix, ""))}: ${val},`);
    this.#keep(
      camelCase(name),
      `/** enum ${name} */\nexport const ${camelCase(name)} = {\n${lines.join("\n")}\n} as const;\n`,
    );
  }

  #keep(name: string, text: string): void {
    const known = this.texts.get(name);
    if (known !== undefined && known !== text) throw new Error(`the objects do not agree about ${name}`);
    this.texts.set(name, text);
  }
}

interface Symbols {
  /** Offsets of variables within their sections. BTF has none before an object is opened. */
  offsets: Map<string, number>;
  programs: string[];
}

function readSymbols(object: string): Symbols {
  const text = run("readelf", "--sections", "--symbols", "--wide", object);
  const symbols = [
    ...text.matchAll(/^ *\d+: ([0-9a-f]+) +\S+ (OBJECT|FUNC) +(LOCAL|GLOBAL) .* (\d+) (\S+)$/gm),
  ].map(([, offset = "", kind, binding, section, name = ""]) => {
    return { offset: Number.parseInt(offset, 16), kind, binding, section, name };
  });
  // As in libbpf, a function in .text is a subprogram.
  const [, code] = /^ *\[ *(\d+)\] \.text /m.exec(text) ?? [];
  const isProgram = ({ kind, binding, section }: (typeof symbols)[number]): boolean =>
    kind === "FUNC" && binding === "GLOBAL" && section !== code;
  return {
    offsets: new Map(symbols.map(({ name, offset }) => [name, offset])),
    programs: symbols.filter(isProgram).map(({ name }) => name),
  };
}

function skeleton(object: string, declarations: Declarations): string {
  const btf = new Btf(object);
  for (const section of btf.sections.filter((name) => /^\.(rodata|data|bss)/.test(name))) {
    for (const { type_id = 0 } of btf.section(section)) {
      const type = btf.target(type_id);
      if (type.kind !== "STRUCT" || declarations.add(btf, type) !== undefined) continue;
      process.stderr.write(`${object}: struct ${type.name} is left out: a field is no number and no bytes\n`);
    }
  }
  const { offsets, programs } = readSymbols(object);

  const maps = btf.section(".maps").map(({ name, type_id = 0 }) => {
    const value = btf.resolve(type_id).members?.find((member) => member.name === "value");
    const struct = value && declarations.add(btf, btf.target(value.type_id));
    return `    ${name}: {${struct ? ` value: ${struct} ` : ""}},`;
  });

  // Without `volatile` clang puts the value into the code, and a new value has no effect.
  const constants = btf.section(".rodata").filter(({ type_id = 0 }) => btf.isVolatile(type_id));
  const rodata = constants.map(({ name, type_id = 0 }) => {
    const type = declarations.add(btf, btf.resolve(type_id)) ?? fieldType(btf, type_id);
    const offset = offsets.get(name);
    if (type === undefined) throw new Error(`${name} is of a type that the skeleton does not know`);
    if (offset === undefined) throw new Error(`${object} has no symbol ${name}`);
    return `    ${camelCase(name)}: [${offset}, ${type}],`;
  });

  const name = basename(object);
  return `/** ${name} */
export const ${camelCase(name.replace(/\.bpf\.o$/, ""))} = {
  programs: ${list(programs.sort().map((program) => `"${program}"`))},
  maps: {
${maps.sort().join("\n")}
  },
  rodata: {${rodata.length > 0 ? `\n${rodata.join("\n")}\n  ` : ""}},
} as const satisfies Skeleton;
`;
}

/** Returns a list in the layout of the formatter: on one line if it fits. */
function list(items: string[]): string {
  const line = `[${items.join(", ")}]`;
  return `  programs: ${line},`.length <= LINE_WIDTH
    ? line
    : `[\n${items.map((item) => `    ${item},\n`).join("")}  ]`;
}

/** Generates the skeletons of these arguments. @throws Error with a message for the user. */
function generate(objects: string[]): string {
  if (objects.length === 0) throw new Error("usage: bun-libbpf-skeleton OBJECT...");
  const declarations = new Declarations();
  const skeletons = objects.map((object) => skeleton(object, declarations));
  return `// Generated by bun-libbpf-skeleton from the BTF of the BPF objects. Do not edit.
import type { Layout, Skeleton } from "bun-libbpf";

${[...declarations.texts.values(), ...skeletons].join("\n")}`;
}

try {
  process.stdout.write(generate(Bun.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
