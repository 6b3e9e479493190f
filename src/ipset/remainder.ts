// What decoding could not use. Nothing a sender wrote is dropped, and nothing of it ends the decoding:
// whoever reads bytes puts aside here what it does not understand, and says what is wrong.
import type { Attribute } from "./attributes.ts";

/** Where in a message an attribute stands: the meaning of its number depends on it. */
export type Level = "command" | "create" | "batch" | "element" | "address";

export interface UnknownAttribute {
  level: Level;
  number: number;
  bytes: Uint8Array;
}

/** A message has room for four thousand empty attributes: one view is enough for all. */
const nothing = new Uint8Array();

export class Remainder {
  /** The first thing that is wrong, if anything is. */
  malformed: string | undefined;
  readonly unknown: UnknownAttribute[] = [];

  complain(what: string | undefined): void {
    this.malformed ??= what;
  }

  keep(level: Level, attribute: Attribute): void {
    const bytes = attribute.length === 0 ? nothing : attribute.payload;
    this.unknown.push({ level, number: attribute.type, bytes });
  }
}
