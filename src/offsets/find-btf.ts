// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Makes BTF for a kernel that has none, from offsets found in its memory.
import { CallError } from "bun-libbpf/errors";
import { memoryFile } from "bun-libbpf/ffi";
import { unsupported } from "../errors.ts";
import { explained } from "../host/attempt.ts";
import { isInitialPidNamespace } from "../host/sysfs.ts";
import { type FieldName, fieldNames, type Offsets, optionalFields } from "./fields.ts";
import { findOffsets } from "./find.ts";
import { kernelBtf } from "./kernel-btf.ts";
import { KernelMemory } from "./kernel-memory.ts";
import { UnknownOffset } from "./search.ts";

/** BTF in a file in memory. */
export interface FoundBtf {
  /** Its path, valid in this process. */
  path: string;
  offsets: Offsets;
}

/** Makes BTF of the running kernel, in memory. The parameter is that of makeBtf(). @throws MineError. */
export function findBtf(missing: string): FoundBtf {
  const { bytes, offsets } = makeBtf(missing);
  return { path: `/proc/self/fd/${memoryFile("btf", bytes)}`, offsets };
}

/**
 * Makes BTF of the running kernel.
 * @param missing a sentence: why mine looks for offsets.
 * @throws MineError.
 */
export function makeBtf(missing: string): { bytes: Uint8Array; offsets: Offsets } {
  if (!isInitialPidNamespace()) {
    throw unsupported("no-btf", `${missing}; in a PID namespace mine cannot find the offsets itself`);
  }
  const offsets = lookTwice(missing);
  return { bytes: kernelBtf(offsets), offsets };
}

/** Max rounds of the search. One can fail where an interrupt made a copy, or where two fields have a value by chance. */
const MAX_ROUNDS = 5;

/** Looks with different values. Only what two rounds find counts. */
function lookTwice(missing: string): Offsets {
  try {
    using memory = KernelMemory.open();
    let first: Offsets | undefined;
    let failure: UnknownOffset | undefined;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      try {
        const found = findOffsets(memory, round);
        if (first === undefined) {
          first = found;
          continue;
        }
        const changed = differences(first, found);
        if (changed.every((name) => optionalFields.includes(name))) return without(first, changed);
        failure = new UnknownOffset(`${changed.join(", ")} changed`);
        break;
      } catch (error) {
        if (!(error instanceof UnknownOffset)) throw error;
        failure = error;
      }
    }
    throw unsupported("no-btf", `${missing}; offsets in its memory are not certain: ${failure?.message}`);
  } catch (error) {
    throw error instanceof CallError ? explained("find the offsets of this kernel", error) : error;
  }
}

const differences = (one: Offsets, other: Offsets): FieldName[] =>
  fieldNames.filter((name) => one[name] !== other[name]);

const without = (found: Offsets, names: readonly FieldName[]): Offsets =>
  Object.fromEntries(Object.entries(found).filter(([name]) => !names.includes(name as FieldName)));
