// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds the elements of ADD, DEL and TEST. A message can have thousands, and a line of text shows two.
// So every element is found and checked, but read only on demand.

import { commandAttributes as kinds } from "./attribute-kinds.ts";
import { Attribute, AttributeCursor } from "./attributes.ts";
import { type Element, isPlainElement, readElement, readLineNumber } from "./element.ts";
import type { Fields } from "./fields.ts";
import type { Remainder } from "./remainder.ts";

export interface Elements extends Iterable<Element> {
  readonly length: number;
  at(index: number): Element | undefined;
  /** Returns the line number of an element, without reading the rest of it. */
  lineNumber(index: number): number | undefined;
}

/** Number of elements that are read at once and kept: a line of text shows these. */
const FIRST = 2;
const [DATA] = kinds.data;
const [BATCH] = kinds.batch;

/** Refers to each element by its offsets in the message. */
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

  /** Reports the fault of the first malformed element. */
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

/**
 * Finds the elements of a message.
 * @param truncated the attribute in which a capture ended; a truncated batch still has its first elements.
 */
export function readElements(
  bytes: Uint8Array,
  fields: Fields,
  truncated: Attribute | undefined,
  remainder: Remainder,
): Elements {
  const elements = new ElementsInPlace(bytes);
  const single = fields.take(kinds.data);
  if (single) elements.add(single.start, single.end);

  const isTruncated = truncated?.type === BATCH;
  const batch = isTruncated ? truncated : fields.take(kinds.batch);
  if (batch) {
    const cursor = new AttributeCursor(bytes, batch.start, batch.end);
    while (cursor.next()) {
      if (cursor.type === DATA) elements.add(cursor.start, cursor.end);
      else remainder.keep("batch", new Attribute(cursor.type, bytes, cursor.start, cursor.end));
    }
    const { malformed } = cursor;
    if (malformed && !isTruncated) remainder.complain(`batch: ${malformed}`);
  }
  elements.complain(remainder);
  return elements;
}
