// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Generates random values that are the same in every run, so that failures are reproducible (xorshift, 32 bits).

export class Random {
  #state: number;

  /** @param seed any integer but 0. */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** Returns an integer from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  bytes(length: number, limit = 256): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(limit));
  }

  oneOf<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }
}
