// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Indexes attributes by number. Decoders take the attributes that they know; the rest is kept as unknown.
// So an attribute in the wrong place is shown like one that has no name yet.

import type { AttributeKind } from "./attribute-kinds.ts";
import type { Attribute } from "./attributes.ts";
import type { Level, Remainder } from "./remainder.ts";

/** Limit of the numbers that have a name: one integer holds a bit for each. */
const LIMIT = 32;

export class Fields {
  readonly #level: Level;
  readonly #remainder: Remainder;
  /** Attributes with numbers below LIMIT, one per number. */
  readonly #attributes: Attribute[] = [];
  readonly #unnamed: Attribute[] = [];
  /** Bit N: attribute N is not taken yet. It answers most queries, since most attributes are absent. */
  #left = 0;

  constructor(level: Level, attributes: readonly Attribute[], remainder: Remainder) {
    this.#level = level;
    this.#remainder = remainder;
    for (const attribute of attributes) {
      const { type } = attribute;
      if (type >= LIMIT) {
        this.#unnamed.push(attribute);
      } else if (isSet(this.#left, type)) {
        // The last of several attributes wins, as in the kernel's nla_parse().
        const [hidden] = this.#attributes.splice(indexOf(this.#attributes, type), 1, attribute);
        if (hidden) remainder.keep(level, hidden);
      } else {
        this.#attributes.push(attribute);
        this.#left |= 1 << type;
      }
    }
  }

  has([number]: AttributeKind<unknown>): boolean {
    return isSet(this.#left, number);
  }

  /** All attributes with a number below LIMIT are taken. */
  get isEmpty(): boolean {
    return this.#left === 0;
  }

  /** Takes an attribute. @returns undefined if it is absent, already taken or unreadable. */
  take<T>(kind: AttributeKind<T>): T | undefined {
    if (!isSet(this.#left, kind[0])) return undefined;
    const value = this.peek(kind);
    this.#left &= ~(1 << kind[0]);
    return value;
  }

  /** Reads an attribute without taking it: the caller takes it if it can use all of it. */
  peek<T>([number, payload, noun]: AttributeKind<T>): T | undefined {
    if (!isSet(this.#left, number)) return undefined;
    const attribute = this.#attributes[indexOf(this.#attributes, number)] as Attribute;
    const { length } = attribute;
    if (length < payload.minSize || length > payload.maxSize) {
      this.#remainder.complain(`${noun} of ${length} bytes`);
    }
    const value = length < payload.minSize ? undefined : payload.read(attribute, this.#remainder);
    if (value === undefined) {
      this.#left &= ~(1 << number);
      this.#remainder.keep(this.#level, attribute);
    }
    return value;
  }

  /** Keeps all attributes that are not taken as unknown. Call it after the last take(). */
  keepRest(): void {
    for (const attribute of this.#attributes) {
      if (isSet(this.#left, attribute.type)) this.#remainder.keep(this.#level, attribute);
    }
    for (const attribute of this.#unnamed) this.#remainder.keep(this.#level, attribute);
  }
}

const isSet = (bits: number, bit: number): boolean => ((bits >>> bit) & 1) === 1;

/** Returns the index of an attribute. @param number the number of a present attribute. */
function indexOf(attributes: readonly Attribute[], number: number): number {
  let index = 0;
  while (attributes[index]?.type !== number) index += 1;
  return index;
}
