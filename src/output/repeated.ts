// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Caches a text until its inputs change. Consecutive commands often come from one program.
import type { ByteWriter } from "./byte-writer.ts";

/** All inputs of the text. Byte arrays are compared by content, other parts by `===`. */
export type RepeatedKey = readonly (Uint8Array | object | bigint | number | string | boolean | undefined)[];

export class Repeated {
  #key: RepeatedKey | undefined;
  #text = new Uint8Array(0);

  /** Writes the output of `write`. It calls `write` only if the key differs from the last key. */
  write(out: ByteWriter, key: RepeatedKey, write: () => void): void {
    if (this.#key && isSameKey(this.#key, key)) {
      out.copy(this.#text);
      return;
    }
    const start = out.length;
    write();
    this.#text = out.written(start).slice();
    // Byte arrays are views of a buffer that is reused.
    this.#key = key.map((part) => (part instanceof Uint8Array ? part.slice() : part));
  }
}

/** Compares keys. Both must have the same length. */
function isSameKey(one: RepeatedKey, other: RepeatedKey): boolean {
  for (let index = 0; index < one.length; index++) {
    const [a, b] = [one[index], other[index]];
    if (a instanceof Uint8Array && b instanceof Uint8Array ? !isSameBytes(a, b) : a !== b) return false;
  }
  return true;
}

function isSameBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}
