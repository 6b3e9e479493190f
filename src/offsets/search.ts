// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Searches offsets with a test for each.

/** A field whose offset is not certain. */
export class UnknownOffset extends Error {}

/** Bits of an address below those that are all set in every address of the kernel. */
export const ADDRESS_BITS = {
  /** Four levels of page tables (Documentation/arch/x86/x86_64/mm.rst). */
  x64: 47n,
  x64FiveLevels: 56n,
  /** The most of all configurations. In the others, a read of a wrong address only fails. */
  arm64: 52n,
} as const;

/**
 * Returns whether a value can be the address of a struct. Before 5.5 the kernel logs a read of an address that an
 * x86-64 processor cannot have.
 */
export const isAddress = (value: bigint, bits: bigint): boolean =>
  BigInt.asIntN(64, value) >> bits === -1n && (value & 7n) === 0n && value < 0xffff_ffff_ffff_0000n;

export function* offsets(from: number, to: number, step: number): Generator<number> {
  for (let at = from; at < to; at += step) yield at;
}

type Test = (offset: number) => boolean;

/** Returns the first match; undefined if there is none. */
export function firstOf(from: number, to: number, step: number, matches: Test): number | undefined {
  for (const at of offsets(from, to, step)) if (matches(at)) return at;
  return undefined;
}

/** Returns the only match. */
export const only = (name: string, from: number, to: number, step: number, matches: Test): number =>
  single(name, [...offsets(from, to, step)].filter(matches));

/** Returns the only value. @throws UnknownOffset. */
export function single<Value>(name: string, found: readonly Value[]): Value {
  const [match, ...others] = found;
  if (match === undefined || others.length > 0)
    throw new UnknownOffset(`${name} has ${found.length} candidates`);
  return match;
}

/** @throws UnknownOffset. */
export function required<Value>(name: string, value: Value | undefined): Value {
  if (value === undefined) throw new UnknownOffset(`${name} has no candidate`);
  return value;
}
