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

export type Decoded<L extends Layout> = { [Name in keyof L]: DecodedField<L[Name]> };

const readers = {
  u8: (view: DataView, at: number) => view.getUint8(at),
  u16: (view: DataView, at: number) => view.getUint16(at, true),
  u32: (view: DataView, at: number) => view.getUint32(at, true),
  s32: (view: DataView, at: number) => view.getInt32(at, true),
  u64: (view: DataView, at: number) => view.getBigUint64(at, true),
};

/**
 * @param at where the struct begins in the view.
 * @param available how many bytes of it are there: a field that reaches further is cut there.
 * @returns its fields; byte fields are views of the same memory, strings end before their NUL.
 */
export function decode<const L extends Layout>(
  layout: L,
  view: DataView,
  at: number,
  available: number,
): Decoded<L> {
  const fields: Record<string, number | bigint | Uint8Array> = {};
  for (const [name, field] of Object.entries(layout)) {
    const [offset, type] = field;
    if (type !== "bytes" && type !== "string") {
      fields[name] = readers[type](view, at + offset);
      continue;
    }
    const length = Math.min(field[2] ?? 0, Math.max(available - offset, 0));
    const bytes = new Uint8Array(view.buffer, view.byteOffset + at + offset, length);
    const end = type === "string" ? bytes.indexOf(0) : -1;
    fields[name] = end < 0 ? bytes : bytes.subarray(0, end);
  }
  return fields as Decoded<L>;
}
