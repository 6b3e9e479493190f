// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads and writes C structs, as described by tables of their fields. gen-skeleton.ts makes these tables from
// BTF. TypeScript infers the types of the fields from them.

type Integer = "u8" | "u16" | "u32" | "u64" | "s8" | "s16" | "s32" | "s64";

/**
 * Fields of a C struct by name: [byte offset, type], or [byte offset, "bytes" | "string", byte length]. The
 * byte order is that of the host, which must be little-endian.
 */
export type Layout = Record<
  string,
  | readonly [offset: number, type: Integer]
  | readonly [offset: number, type: "bytes" | "string", length: number]
>;

type DecodedField<F extends Layout[string]> = F[1] extends "bytes" | "string"
  ? Uint8Array
  : F[1] extends "u64" | "s64"
    ? bigint
    : number;

/**
 * The fields of a struct as JavaScript values: 64 bits as bigint, bytes as Uint8Array, other integers as
 * number.
 */
export type Decoded<L extends Layout> = { readonly [Name in keyof L]: DecodedField<L[Name]> };

/** The place of a struct in memory. */
class Place {
  readonly view: DataView;
  readonly at: number;

  constructor(view: DataView, at: number) {
    this.view = view;
    this.at = at;
  }
}

/**
 * Returns a class for structs of this layout: `new Struct(view, at)` has the fields. A getter reads its field
 * in place. Byte fields are views of the same memory. Strings end before their NUL.
 */
export function structOf<const L extends Layout>(
  layout: L,
): new (
  view: DataView,
  at: number,
) => Place & Decoded<L> {
  class Struct extends Place {}
  for (const [name, field] of Object.entries(layout)) {
    Object.defineProperty(Struct.prototype, name, { get: getterOf(field) });
  }
  return Struct as new (
    view: DataView,
    at: number,
  ) => Place & Decoded<L>;
}

function getterOf([offset, type, length = 0]: Layout[string]): (this: Place) => number | bigint | Uint8Array {
  switch (type) {
    case "u8":
      return function () {
        return this.view.getUint8(this.at + offset);
      };
    case "u16":
      return function () {
        return this.view.getUint16(this.at + offset, true);
      };
    case "u32":
      return function () {
        return this.view.getUint32(this.at + offset, true);
      };
    case "s8":
      return function () {
        return this.view.getInt8(this.at + offset);
      };
    case "s16":
      return function () {
        return this.view.getInt16(this.at + offset, true);
      };
    case "s32":
      return function () {
        return this.view.getInt32(this.at + offset, true);
      };
    case "u64":
      return function () {
        return this.view.getBigUint64(this.at + offset, true);
      };
    case "s64":
      return function () {
        return this.view.getBigInt64(this.at + offset, true);
      };
    case "bytes":
      return function () {
        return new Uint8Array(this.view.buffer, this.view.byteOffset + this.at + offset, length);
      };
    case "string":
      return function () {
        let end = 0;
        while (end < length && this.view.getUint8(this.at + offset + end) !== 0) end += 1;
        return new Uint8Array(this.view.buffer, this.view.byteOffset + this.at + offset, end);
      };
  }
}

/**
 * Writes one field at its offset from view[at]. If the bytes are shorter than the field, the rest of the
 * field stays unchanged.
 * @throws RangeError if the bytes are longer than the field.
 */
export function writeField(
  view: DataView,
  at: number,
  [offset, type, length = 0]: Layout[string],
  value: number | bigint | Uint8Array,
): void {
  const place = at + offset;
  if (value instanceof Uint8Array) {
    if (value.length > length)
      throw new RangeError(`${value.length} bytes do not fit into a field of ${length}`);
    new Uint8Array(view.buffer, view.byteOffset + place).set(value);
  } else if (type.endsWith("64")) view.setBigUint64(place, BigInt.asUintN(64, BigInt(value)), true);
  else if (type === "u8" || type === "s8") view.setUint8(place, Number(value));
  else if (type.endsWith("16")) view.setUint16(place, Number(value), true);
  else view.setUint32(place, Number(value), true);
}

/** Writes the fields of a struct at view[at]. */
export function writeStruct<const L extends Layout>(
  view: DataView,
  at: number,
  layout: L,
  values: Decoded<L>,
): void {
  for (const [name, field] of Object.entries(layout)) {
    writeField(view, at, field, values[name] as number | bigint | Uint8Array);
  }
}
