// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Collects the parts of a message that decoders cannot use. No byte is dropped, and no fault ends the decoding:
// decoders keep unknown attributes here, and report faults.
import type { Attribute } from "./attributes.ts";

/** Place of an attribute in a message. The meaning of its number depends on it. */
export type Level = "command" | "create" | "batch" | "element" | "address";

export interface UnknownAttribute {
  level: Level;
  number: number;
  bytes: Uint8Array;
}

/** One view for every empty attribute: a message can hold four thousand of them. */
const nothing = new Uint8Array();

export class Remainder {
  /** The first fault, if there is one. */
  malformed: string | undefined;
  readonly unknown: UnknownAttribute[] = [];

  complain(fault: string | undefined): void {
    this.malformed ??= fault;
  }

  keep(level: Level, attribute: Attribute): void {
    const bytes = attribute.length === 0 ? nothing : attribute.payload;
    this.unknown.push({ level, number: attribute.type, bytes });
  }
}
