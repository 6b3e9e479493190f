// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads a 64-bit little-endian ELF file: its sections, functions, and relocations with their symbols.
// If two sections have one name, the last one wins. The objects of this tree have no such sections.

export interface ElfRelocation {
  /** Byte offset of the patched place in its section. */
  offset: number;
  type: number;
  symbol: string;
  /** Name of the section that defines the symbol; undefined for an extern. */
  definedIn: string | undefined;
}

/** Function of a section, from its symbol. */
export interface ElfFunction {
  name: string;
  /** Byte offset of the first byte in its section. */
  start: number;
  end: number;
}

const SHT_REL = 9;
const STT_FUNC = 2;

export function cString(bytes: Buffer, offset: number): string {
  return bytes.toString("latin1", offset, bytes.indexOf(0, offset));
}

export class Elf {
  readonly sections = new Map<string, Buffer>();
  readonly #names: string[] = [];
  readonly #relocations = new Map<string, Buffer>();

  constructor(file: Buffer) {
    const table = Number(file.readBigUInt64LE(40));
    const header = (index: number) => file.subarray(table + index * 64, table + (index + 1) * 64);
    const content = (index: number) => {
      const start = Number(header(index).readBigUInt64LE(24));
      return file.subarray(start, start + Number(header(index).readBigUInt64LE(32)));
    };
    const names = content(file.readUInt16LE(62));
    for (let index = 0; index < file.readUInt16LE(60); index++) {
      this.#names.push(cString(names, header(index).readUInt32LE(0)));
    }
    for (const [index, name] of this.#names.entries()) {
      if (index === 0) continue;
      this.sections.set(name, content(index));
      const patched = this.#names[header(index).readUInt32LE(44)] ?? "";
      if (header(index).readUInt32LE(4) === SHT_REL) this.#relocations.set(patched, content(index));
    }
  }

  section(name: string): Buffer {
    const bytes = this.sections.get(name);
    if (!bytes) throw new Error(`the object has no section ${name}`);
    return bytes;
  }

  /** Returns the functions of a section, in order of their offset. */
  functions(section: string): ElfFunction[] {
    const symbols = this.section(".symtab");
    const found: ElfFunction[] = [];
    for (let at = 0; at < symbols.length; at += 24) {
      const isFunction = (symbols.readUInt8(at + 4) & 0x0f) === STT_FUNC;
      if (!isFunction || this.#names[symbols.readUInt16LE(at + 6)] !== section) continue;
      const start = Number(symbols.readBigUInt64LE(at + 8));
      const end = start + Number(symbols.readBigUInt64LE(at + 16));
      found.push({ name: cString(this.section(".strtab"), symbols.readUInt32LE(at)), start, end });
    }
    return found.sort((one, other) => one.start - other.start);
  }

  /** Returns the relocations that patch a section. */
  relocations(section: string): ElfRelocation[] {
    const bytes = this.#relocations.get(section) ?? Buffer.alloc(0);
    return Array.from({ length: bytes.length / 16 }, (_, index) => {
      const at = index * 16;
      const symbol = this.section(".symtab").subarray(bytes.readUInt32LE(at + 12) * 24);
      const home = symbol.readUInt16LE(6);
      return {
        offset: Number(bytes.readBigUInt64LE(at)),
        type: bytes.readUInt32LE(at + 8),
        symbol: cString(this.section(".strtab"), symbol.readUInt32LE(0)),
        definedIn: home === 0 ? undefined : this.#names[home],
      };
    });
  }
}
