// Attributes by number. Whoever decodes takes those that it has a use for; what nobody took is kept as unknown,
// so an attribute that makes no sense where it stands is shown like one that has no name yet.

import type { AttributeKind } from "./attribute-kinds.ts";
import type { Attribute } from "./attributes.ts";
import type { Level, Remainder } from "./remainder.ts";

/** Every number that has a name is below this: they fit into one integer, a bit each. */
const LIMIT = 32;

export class Fields {
  readonly #level: Level;
  readonly #remainder: Remainder;
  /** One of each number below LIMIT. */
  readonly #attributes: Attribute[] = [];
  readonly #unnamed: Attribute[] = [];
  /** Bit N: the one of number N was not taken yet. Most questions are answered by it, and the answer is no. */
  #left = 0;

  constructor(level: Level, attributes: readonly Attribute[], remainder: Remainder) {
    this.#level = level;
    this.#remainder = remainder;
    for (const attribute of attributes) {
      const { type } = attribute;
      if (type >= LIMIT) {
        this.#unnamed.push(attribute);
      } else if (isSet(this.#left, type)) {
        // The last of several counts, as in the kernel's nla_parse().
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

  /** Every attribute that has a name is taken. */
  get isEmpty(): boolean {
    return this.#left === 0;
  }

  /** @returns undefined if it is not there, was taken before, or cannot be read. */
  take<T>(kind: AttributeKind<T>): T | undefined {
    if (!isSet(this.#left, kind[0])) return undefined;
    const value = this.peek(kind);
    this.#left &= ~(1 << kind[0]);
    return value;
  }

  /** The same for one of which it is not yet known whether all of it can be used. */
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

  /** To be called when all that can be used was taken. */
  keepRest(): void {
    for (const attribute of this.#attributes) {
      if (isSet(this.#left, attribute.type)) this.#remainder.keep(this.#level, attribute);
    }
    for (const attribute of this.#unnamed) this.#remainder.keep(this.#level, attribute);
  }
}

const isSet = (bits: number, bit: number): boolean => ((bits >>> bit) & 1) === 1;

/** @param number of one that is there. */
function indexOf(attributes: readonly Attribute[], number: number): number {
  let index = 0;
  while (attributes[index]?.type !== number) index += 1;
  return index;
}
