// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Which word was meant. The number of errors is checked against a search that tries every single correction.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { nearest } from "../../src/cli/nearest.ts";

const words = ["set", "output", "duration", "comm", "command", "all"] as const;

test.each<[typed: string, meant: (typeof words)[number] | undefined]>([
  ["output", "output"],
  ["outptu", "output"],
  ["outpu", "output"],
  ["ouput", "output"],
  ["outputs", "output"],
  ["oxtpux", "output"],
  ["oxxpux", undefined],
  ["Set", "set"],
  ["sett", "set"],
  ["est", "set"],
  ["s", undefined],
  ["xyz", undefined],
  ["al", "all"],
  ["", undefined],
  // The beginning of a word, however long the rest is; of several the shortest.
  ["du", "duration"],
  ["durat", "duration"],
  ["com", "comm"],
  ["comma", "command"],
])("%j", (typed, meant) => {
  expect(nearest(typed, words)).toBe(meant);
});

const alphabet = [..."abc"];

/** Every word that is one error away. */
function corrections(word: string): string[] {
  const positions = [...word, ""].map((_, index) => [word.slice(0, index), word.slice(index)] as const);
  return positions.flatMap(([before, after]) => [
    ...alphabet.map((letter) => before + letter + after),
    ...(after
      ? [before + after.slice(1), ...alphabet.map((letter) => before + letter + after.slice(1))]
      : []),
    ...(after.length > 1 ? [before + after.charAt(1) + after.charAt(0) + after.slice(2)] : []),
  ]);
}

test("one error is forgiven, two errors in six letters, and never more", () => {
  const letters = fc.array(fc.constantFrom(...alphabet), { minLength: 3, maxLength: 6 });
  const property = fc.property(letters, letters, (typed, word) => {
    const [from, to] = [typed.join(""), word.join("")];
    const near = [from, ...corrections(from)];
    const reached = to.length < 6 ? near : near.flatMap((step) => [step, ...corrections(step)]);
    const isFound = nearest(from, [to]) === to;
    if (to.startsWith(from) || near.includes(to)) expect(isFound).toBe(true);
    else if (!reached.includes(to)) expect(isFound).toBe(false);
  });
  fc.assert(property, { numRuns: 2000 });
});
