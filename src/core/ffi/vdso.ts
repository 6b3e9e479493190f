// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the compiled-in version of the running kernel from a note in the vDSO, which the kernel maps into
// every process. uname(2) shows the distribution's version, without the last number.
import { libc } from "./libc.ts";
import { asAddress, memoryAt } from "./memory.ts";

/** linux/auxvec.h */
const AT_SYSINFO_EHDR = 33n;
const ELF_HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;
const PT_NOTE = 4;
/**
 * struct elf_note: name size, description size, type; then the name and the description, each padded to four
 * bytes.
 */
const NOTE_HEADER_SIZE = 12;
/**
 * The version note (arch/x86/entry/vdso/vdso-note.S and others): name "Linux", type 0, LINUX_VERSION_CODE.
 */
const NOTE_NAME = "Linux\0";
const VERSION_TYPE = 0;

/** Returns LINUX_VERSION_CODE; undefined if there is no vDSO, or if it has no version note. */
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

/**
 * Returns the version code in these notes; undefined if they have none.
 * @param notes a segment of type PT_NOTE.
 */
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
