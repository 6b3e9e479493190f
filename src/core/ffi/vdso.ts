// The version of the running kernel, as it was compiled: in a note of the vDSO, which the kernel maps into every
// process. uname(2) shows what a distribution calls it, without the last number.
import { libc } from "./libc.ts";
import { asAddress, memoryAt } from "./memory.ts";

/** linux/auxvec.h */
const AT_SYSINFO_EHDR = 33n;
const ELF_HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const PT_NOTE = 4;
/** struct elf_note: name size, description size, type; then both, each padded to four bytes. */
const NOTE_HEADER_SIZE = 12;
/** arch/x86/entry/vdso/vdso-note.S and its like: name "Linux", type 0, LINUX_VERSION_CODE. */
const NOTE_NAME = "Linux\0";
const VERSION_TYPE = 0;

/** @returns LINUX_VERSION_CODE; undefined where there is no vDSO, or no such note in it. */
export function vdsoVersionCode(): number | undefined {
  const address = asAddress(libc.getauxval(AT_SYSINFO_EHDR));
  if (address === null) return undefined;
  const header = new DataView(memoryAt(address, ELF_HEADER_SIZE));
  const table = Number(header.getBigUint64(32, true));
  const count = header.getUint16(56, true);
  const headers = new DataView(memoryAt(address, table + count * PROGRAM_HEADER_SIZE), table);
  for (let at = 0; at < headers.byteLength; at += PROGRAM_HEADER_SIZE) {
    if (headers.getUint32(at, true) !== PT_NOTE) continue;
    const offset = Number(headers.getBigUint64(at + 8, true));
    const size = Number(headers.getBigUint64(at + 32, true));
    const code = versionNote(new DataView(memoryAt(address, offset + size), offset));
    if (code !== undefined) return code;
  }
  return undefined;
}

/** @param notes of a segment PT_NOTE. */
export function versionNote(notes: DataView): number | undefined {
  const padded = (size: number): number => (size + 3) & ~3;
  for (let at = 0; at + NOTE_HEADER_SIZE <= notes.byteLength; ) {
    const nameSize = notes.getUint32(at, true);
    const size = notes.getUint32(at + 4, true);
    const name = at + NOTE_HEADER_SIZE;
    const description = name + padded(nameSize);
    const end = description + padded(size);
    if (end > notes.byteLength) return undefined;
    const isOurs =
      nameSize === NOTE_NAME.length && notes.getUint32(at + 8, true) === VERSION_TYPE && size === 4;
    const text = () =>
      String.fromCharCode(...new Uint8Array(notes.buffer, notes.byteOffset + name, nameSize));
    if (isOurs && text() === NOTE_NAME) return notes.getUint32(description, true);
    at = end;
  }
  return undefined;
}
