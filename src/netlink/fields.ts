// Attributes by name. Whoever decodes takes those that it has a use for; what nobody took is kept as unknown,
// so an attribute that makes no sense where it stands is shown like one that has no name yet.
import type { Attribute } from "./attributes.ts";
import type { Schema } from "./ipset-attributes.ts";
import type { Payload } from "./payloads.ts";
import type { Level, Remainder } from "./remainder.ts";

type ValueOf<S extends Schema, Name extends keyof S> = S[Name][1] extends Payload<infer T> ? T : never;

export class Fields<S extends Schema> {
  readonly #level: Level;
  readonly #schema: S;
  readonly #remainder: Remainder;
  readonly #byNumber = new Map<number, Attribute>();

  constructor(level: Level, schema: S, attributes: readonly Attribute[], remainder: Remainder) {
    this.#level = level;
    this.#schema = schema;
    this.#remainder = remainder;
    for (const attribute of attributes) {
      // The last of several counts, as in the kernel's nla_parse().
      const hidden = this.#byNumber.get(attribute.type);
      if (hidden) remainder.keep(level, hidden);
      this.#byNumber.set(attribute.type, attribute);
    }
  }

  has(name: keyof S): boolean {
    return this.#byNumber.has(this.#schema[name]?.[0] ?? -1);
  }

  /** @returns undefined if it is not there, was taken before, or cannot be read. */
  take<Name extends keyof S>(name: Name): ValueOf<S, Name> | undefined {
    const value = this.peek(name);
    this.#byNumber.delete(this.#schema[name]?.[0] ?? -1);
    return value;
  }

  /** The same for one of which it is not yet known whether all of it can be used. */
  peek<Name extends keyof S>(name: Name): ValueOf<S, Name> | undefined {
    const [number, payload, noun] = this.#schema[name] as S[Name];
    const attribute = this.#byNumber.get(number);
    if (!attribute) return undefined;
    const { length } = attribute.payload;
    if (length < payload.minSize || length > payload.maxSize) {
      this.#remainder.complain(`${noun} of ${length} bytes`);
    }
    const value = length < payload.minSize ? undefined : payload.read(attribute.payload, this.#remainder);
    if (value === undefined) {
      this.#byNumber.delete(number);
      this.#remainder.keep(this.#level, attribute);
    }
    return value as ValueOf<S, Name> | undefined;
  }

  /** To be called when all that can be used was taken. */
  keepRest(): void {
    for (const attribute of this.#byNumber.values()) this.#remainder.keep(this.#level, attribute);
  }
}
