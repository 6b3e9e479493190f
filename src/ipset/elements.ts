// The elements of ADD, DEL and TEST. A message may have thousands of them, and a line of text shows two: so all are
// found and checked, but each is read only when it is asked for.

import { commandAttributes as kinds } from "./attribute-kinds.ts";
import { Attribute, AttributeCursor } from "./attributes.ts";
import { type Element, isPlainElement, readElement, readLineNumber } from "./element.ts";
import type { Fields } from "./fields.ts";
import type { Remainder } from "./remainder.ts";

export interface Elements extends Iterable<Element> {
  readonly length: number;
  at(index: number): Element | undefined;
  /** Of that element, without reading the rest of it. */
  lineNumber(index: number): number | undefined;
}

/** The first are read at once, and kept: these are what a line of text shows. */
const FIRST = 2;
const [DATA] = kinds.data;
const [BATCH] = kinds.batch;

/** Each is at its place in the message. */
class ElementsInPlace implements Elements {
  readonly #bytes: Uint8Array;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #first: Element[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get length(): number {
    return this.#starts.length;
  }

  add(start: number, end: number): void {
    this.#starts.push(start);
    this.#ends.push(end);
  }

  at(index: number): Element | undefined {
    return this.#first[index] ?? this.#read(index);
  }

  #read(index: number): Element | undefined {
    const start = this.#starts[index];
    return start === undefined
      ? undefined
      : readElement(new Attribute(DATA, this.#bytes, start, this.#ends[index] ?? start));
  }

  lineNumber(index: number): number | undefined {
    return readLineNumber(this.#bytes, this.#starts[index] ?? 0, this.#ends[index] ?? 0);
  }

  *[Symbol.iterator](): Iterator<Element> {
    for (let index = 0; index < this.length; index++) yield this.at(index) as Element;
  }

  /** Says of the first that is malformed what is wrong with it. */
  complain(remainder: Remainder): void {
    for (let index = 0; index < this.length; index++) {
      const isFirst = index < FIRST;
      if (!isFirst && isPlainElement(this.#bytes, this.#starts[index] ?? 0, this.#ends[index] ?? 0)) continue;
      const element = this.#read(index) as Element;
      if (isFirst) this.#first.push(element);
      const { malformed } = element;
      if (malformed) {
        remainder.complain(`element ${index + 1}: ${malformed}`);
        return;
      }
    }
  }
}

/** @param cut the attribute in which a capture ended: of a batch its first elements are there all the same. */
export function readElements(
  bytes: Uint8Array,
  fields: Fields,
  cut: Attribute | undefined,
  remainder: Remainder,
): Elements {
  const elements = new ElementsInPlace(bytes);
  const single = fields.take(kinds.data);
  if (single) elements.add(single.start, single.end);

  const isCut = cut?.type === BATCH;
  const batch = isCut ? cut : fields.take(kinds.batch);
  if (batch) {
    const cursor = new AttributeCursor(bytes, batch.start, batch.end);
    while (cursor.next()) {
      if (cursor.type === DATA) elements.add(cursor.start, cursor.end);
      else remainder.keep("batch", new Attribute(cursor.type, bytes, cursor.start, cursor.end));
    }
    const { malformed } = cursor;
    if (malformed && !isCut) remainder.complain(`batch: ${malformed}`);
  }
  elements.complain(remainder);
  return elements;
}
