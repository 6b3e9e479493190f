// Bytes on their way to and from C. The one trap: a JavaScript buffer lives only as long as something
// here refers to it, so keep what C will read later in a field or a local of the caller.
import { CString, type Pointer, ptr, read, toArrayBuffer } from "bun:ffi";

/** Where something is in C's memory. */
export type Address = Pointer;

const encoder = new TextEncoder();

/** @returns the text as a NUL-terminated C string. */
export function cString(text: string): Uint8Array {
  if (text.includes("\0")) throw new RangeError(`a C string cannot hold a NUL: ${JSON.stringify(text)}`);
  return encoder.encode(`${text}\0`);
}

/** Address of a buffer that the caller keeps alive. */
export const addressOf = (buffer: NodeJS.TypedArray): Address => ptr(buffer);

/** @returns the C string at an address, up to its NUL. */
export const textAt = (address: Pointer): string => new CString(address).toString();

export const pointerAt = (address: Pointer, offset = 0): Pointer | null =>
  (read.ptr(address, offset) || null) as Pointer | null;

/** C's memory in place, without a copy: gone when C takes it back. */
export const memoryAt = (address: Pointer, length: number): ArrayBuffer => toArrayBuffer(address, 0, length);

/** A NULL from bun:ffi is null, a pointer a number; its types also allow bigint, which never comes. */
export function asPointer(value: Pointer | bigint | number | null): Pointer | null {
  return value ? (Number(value) as Pointer) : null;
}

/** Fields of one of libbpf's options structs: [byte offset, value], size_t or pointer wide. */
type OptionFields = readonly (readonly [offset: number, value: number | bigint])[];

/**
 * An options struct as libbpf's LIBBPF_OPTS() makes it: `sz` first, then zeroes but for the fields given.
 * A shorter `sz` is legal (OPTS_HAS in libbpf_internal.h), so `size` needs to reach only the last field set.
 */
export function packOptions(size: number, fields: OptionFields): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(size), true);
  for (const [offset, value] of fields) view.setBigUint64(offset, BigInt(value), true);
  return bytes;
}
