// Text that is as it was the last time, because what it is made of is: the commands of a batch are of one program.
import type { ByteWriter } from "./byte-writer.ts";

/** All that the text depends on. Bytes are compared one by one, the rest as by `===`. */
export type RepeatedKey = readonly (Uint8Array | object | bigint | number | string | boolean | undefined)[];

export class Repeated {
  #key: RepeatedKey | undefined;
  #text = new Uint8Array(0);

  /** Writes what `write` would; it is asked only where the key is not that of the last time. */
  write(out: ByteWriter, key: RepeatedKey, write: () => void): void {
    if (this.#key && isSameKey(this.#key, key)) {
      out.copy(this.#text);
      return;
    }
    const start = out.length;
    write();
    this.#text = out.written(start).slice();
    // Bytes are views of what will be overwritten.
    this.#key = key.map((part) => (part instanceof Uint8Array ? part.slice() : part));
  }
}

/** Both have the same parts, in the same order. */
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
