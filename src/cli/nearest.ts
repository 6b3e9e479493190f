// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds the intended word for a misspelled one.

/** Returns the word with the typed prefix, else the one with the fewest errors: at most a third of its letters. */
export function nearest<Word extends string>(typed: string, words: readonly Word[]): Word | undefined {
  const begun = typed.length > 1 ? words.filter((word) => word.startsWith(typed)) : [];
  const candidates = (begun.length > 0 ? begun : words)
    .map((word) => ({ word, errors: countErrors(typed, word) }))
    .filter(({ word, errors }) => begun.length > 0 || errors <= Math.max(word.length / 3, 1));
  return candidates.sort((one, other) => one.errors - other.errors)[0]?.word;
}

/**
 * Counts the letters that are missing, added, wrong, or exchanged with the next one (optimal string alignment
 * distance).
 */
function countErrors(typed: string, word: string): number {
  // One row per typed letter: column N has the errors between the letters so far and the first N letters of the word.
  let before: number[] = [];
  let last = Array.from({ length: word.length + 1 }, (_, column) => column);
  for (let row = 1; row <= typed.length; row++) {
    const next = [row];
    for (let column = 1; column <= word.length; column++) {
      const isSame = typed[row - 1] === word[column - 1];
      const isExchanged = typed[row - 1] === word[column - 2] && typed[row - 2] === word[column - 1];
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isExchanged ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, next];
  }
  return last[word.length] ?? 0;
}
