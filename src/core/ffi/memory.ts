// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Converts bytes between JavaScript and C.
// A JavaScript buffer lives only as long as a reference to it, so pass the buffer itself to a call, not its
// address. A small buffer moves at the first access to its `.buffer`, so take an address last.
import { CString, type Pointer, ptr, toArrayBuffer } from "bun:ffi";

/** An address in C's memory. */
export type Address = Pointer;

const encoder = new TextEncoder();

/** Returns the text as a C string, UTF-8 with a NUL at its end. @throws RangeError if the text has a NUL. */
export function cString(text: string): Uint8Array {
  if (text.includes("\0")) throw new RangeError(`a C string cannot hold a NUL: ${JSON.stringify(text)}`);
  return encoder.encode(`${text}\0`);
}

/**
 * Returns the address of a buffer, for C functions that take a number. The caller keeps a reference to the
 * buffer and accesses its `.buffer` before this call.
 */
export const addressOf = (buffer: Uint8Array): number => ptr(buffer);

/** Returns the C string at an address, up to its NUL. */
export const textAt = (address: Address): string => new CString(address).toString();

/**
 * Returns the C string that C wrote into this buffer, up to its NUL.
 * @param address its address in the buffer.
 */
export function textWithin(buffer: Uint8Array, address: number): string {
  const start = address - ptr(buffer);
  return new TextDecoder().decode(buffer.subarray(start, buffer.indexOf(0, start)));
}

/** Returns C's memory in place, without a copy. It is valid until C frees it. */
export const memoryAt = (address: Address, length: number): ArrayBuffer => toArrayBuffer(address, 0, length);

/**
 * Returns a pointer of bun:ffi as an address. NULL is null and a pointer is a number. The type also allows
 * bigint, but bun:ffi never returns one here.
 */
export function asAddress(value: Pointer | bigint | number | null): Address | null {
  return value ? (Number(value) as Address) : null;
}

/** Buffers that a struct points to. They live as long as the struct. */
const referents = new WeakMap<Uint8Array, Uint8Array[]>();

/** Fields of a C struct, eight bytes each: a number, a buffer to point to, or null for NULL. */
type Fields = readonly (readonly [offset: number, value: number | bigint | Uint8Array | null])[];

/** Returns a C struct of `size` bytes with these fields. All other bytes are zero. */
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
 * Returns an options struct like LIBBPF_OPTS() of libbpf, with `sz` first. libbpf accepts a shorter `sz`
 * (OPTS_HAS in libbpf_internal.h). So `size` needs to reach only the last field that is set.
 */
export const packOptions = (size: number, fields: Fields): Uint8Array =>
  packStruct(size, [[0, size], ...fields]);
