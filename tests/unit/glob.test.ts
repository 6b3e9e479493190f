// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Patterns of names, compared with regular expressions, and the time of a hostile name.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { glob } from "../../src/cli/glob.ts";

test.each<[pattern: string, matching: string[], other: string[]]>([
  ["", [""], ["a", "\n"]],
  ["a", ["a"], ["", "A", "aa", "ab", "ba", "a\n"]],
  ["*", ["", "a", "a b", "\n", "a\nb", "🐇"], []],
  ["**", ["", "a"], []],
  ["a*", ["a", "ab", "a\nb", "a\n"], ["", "ba"]],
  ["*a", ["a", "ba", "\na", "aa"], ["ab", "a\n"]],
  ["a*b", ["ab", "axb", "abb", "a\nb", "ab🐇b"], ["a", "abc", "b"]],
  ["*a*b*", ["ab", "xaxbx", "aab"], ["ba"]],
  ["?", ["a", "\n", "🐇", "é", "*"], ["", "ab"]],
  ["a?c", ["abc", "a\nc", "a?c"], ["ac", "abbc"]],
  ["?*", ["a", "ab"], [""]],
  ["*?b", ["ab", "bb", "aab"], ["b"]],
  // Other special characters of regular expressions and shells match themselves.
  [".", ["."], ["a"]],
  ["a.b+c", ["a.b+c"], ["axb+c", "a.bbc"]],
  ["^a$", ["^a$"], ["a"]],
  ["(a|b)", ["(a|b)"], ["a", "b"]],
  ["[ab]", ["[ab]"], ["a", "b"]],
  ["{a,b}", ["{a,b}"], ["a", "b"]],
  ["!a", ["!a"], ["b"]],
  ["\\*", ["\\", "\\a"], ["*"]],
  ["\\d", ["\\d"], ["1"]],
  ["ß*", ["ß", "ßa"], ["ss", "SS"]],
])("matches %j", (pattern, matching, other) => {
  const matches = glob(pattern);
  expect(matching.filter((text) => !matches(text))).toEqual([]);
  expect(other.filter(matches)).toEqual([]);
});

test("agrees with a regular expression for random patterns and texts", () => {
  const characters = fc.constantFrom("a", "b", "*", "?", ".", "\n", "\\", "🐇", "\ud800");
  const texts = fc.array(characters, { maxLength: 10 }).map((list) => list.join(""));
  const regExp = (pattern: string) => {
    const parts = [...pattern].map((character) => {
      if (character === "*") return "[^]*";
      return character === "?" ? "[^]" : character.replace(/[.\\]/, "\\$&");
    });
    return new RegExp(`^${parts.join("")}$`, "u");
  };
  const property = fc.property(texts, texts, (pattern, text) => {
    expect(glob(pattern)(text)).toBe(regExp(pattern).test(text));
  });
  fc.assert(property, { numRuns: 10_000 });
});

test("matches a hostile name quickly", () => {
  const name = "blacklist".repeat(8000);
  const startedMs = performance.now();
  expect(glob("*black*list*black*list*x")(name)).toBe(false);
  expect(glob("*blacklistblack*y*")(name)).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(1000); // a regular expression needs days
});
