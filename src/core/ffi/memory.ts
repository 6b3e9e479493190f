// Bytes on their way to and from C. Two traps. A JavaScript buffer lives only while something refers to it:
// pass the buffer itself to a call, not its address. And a small one moves when its `.buffer` is first asked
// for: take an address last.
import { CString, type Pointer, ptr, toArrayBuffer } from "bun:ffi";

/** Where something is in C's memory. */
export type Address = Pointer;

const encoder = new TextEncoder();

/** @returns the text as a NUL-terminated C string. */
export function cString(text: string): Uint8Array {
  if (text.includes("\0")) throw new RangeError(`a C string cannot hold a NUL: ${JSON.stringify(text)}`);
  return encoder.encode(`${text}\0`);
}

/** For where C takes a number. Hold on to the buffer, and have asked for its `.buffer` before. */
export const addressOf = (buffer: Uint8Array): number => ptr(buffer);

/** @returns the C string at an address, up to its NUL. */
export const textAt = (address: Address): string => new CString(address).toString();

/** @returns the C string that C has put into this buffer at an address. */
export function textWithin(buffer: Uint8Array, address: number): string {
  const start = address - ptr(buffer);
  return new TextDecoder().decode(buffer.subarray(start, buffer.indexOf(0, start)));
}

/** C's memory in place, without a copy: gone when C takes it back. */
export const memoryAt = (address: Address, length: number): ArrayBuffer => toArrayBuffer(address, 0, length);

/** A NULL from bun:ffi is null, a pointer a number; its types also allow bigint, which never comes. */
export function asAddress(value: Pointer | bigint | number | null): Address | null {
  return value ? (Number(value) as Address) : null;
}

/** What a struct points to lives as long as the struct. */
const referents = new WeakMap<Uint8Array, Uint8Array[]>();

/** Fields of a C struct, each eight bytes wide: a number, or a buffer to point to; null is NULL. */
type Fields = readonly (readonly [offset: number, value: number | bigint | Uint8Array | null])[];

/** A C struct of `size` bytes: zeroes but for the fields given. */
export function packStruct(size: number, fields: Fields): Uint8Array {
  const struct = new Uint8Array(size);
  const view = new DataView(struct.buffer);
  referents.set(
    struct,
    fields.flatMap(([, value]) => (value instanceof Uint8Array ? [value] : [])),
  );
  for (const [offset, value] of fields) {
    view.setBigUint64(offset, BigInt(value instanceof Uint8Array ? ptr(value) : (value ?? 0)), true);
  }
  return struct;
}

/**
 * An options struct as libbpf's LIBBPF_OPTS() makes it: `sz` first. A shorter `sz` is legal (OPTS_HAS in
 * libbpf_internal.h), so `size` needs to reach only the last field set.
 */
export const packOptions = (size: number, fields: Fields): Uint8Array =>
  packStruct(size, [[0, size], ...fields]);
