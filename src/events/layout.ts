// Reads a C struct by a table of its fields; the table comes from BTF, the types of the result from the table.

type Integer = "u8" | "u16" | "u32" | "s32" | "u64";

/** name: [byte offset, type], or [byte offset, "bytes" | "string", byte length]; host byte order. */
export type Layout = Record<
  string,
  | readonly [offset: number, type: Integer]
  | readonly [offset: number, type: "bytes" | "string", length: number]
>;

type DecodedField<F extends Layout[string]> = F[1] extends "bytes" | "string"
  ? Uint8Array
  : F[1] extends "u64"
    ? bigint
    : number;

export type Decoded<L extends Layout> = { readonly [Name in keyof L]: DecodedField<L[Name]> };

/** Where a struct is. */
class Place {
  readonly view: DataView;
  readonly at: number;

  constructor(view: DataView, at: number) {
    this.view = view;
    this.at = at;
  }
}

/**
 * @returns a class for structs of this layout: `new Struct(view, at)` has the fields, each read at its place when
 *   it is asked for. Byte fields are views of the same memory, strings end before their NUL.
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
    case "s32":
      return function () {
        return this.view.getInt32(this.at + offset, true);
      };
    case "u64":
      return function () {
        return this.view.getBigUint64(this.at + offset, true);
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
