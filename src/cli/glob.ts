// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Matches patterns of names: `*` is any characters, `?` is one character. It is no regular expression: names are
// untrusted input of up to 16 KiB, and backtracking over several `*` could take hours.

/** Returns a test for names. Its steps are at most the length of the pattern times the length of the name. */
export function glob(pattern: string): (text: string) => boolean {
  const wanted = [...pattern];
  return (text) => matches(wanted, [...text]);
}

function matches(pattern: readonly string[], text: readonly string[]): boolean {
  let at = 0;
  let star = -1; // the last * before `at`: only its length is tried again
  let afterStar = 0; // end of its match in the text
  for (let next = 0; next < text.length; ) {
    const wanted = pattern[at];
    if (wanted === "*") {
      star = at++;
      afterStar = next;
    } else if (wanted === "?" || wanted === text[next]) {
      at++;
      next++;
    } else if (star >= 0) {
      at = star + 1;
      next = ++afterStar;
    } else {
      return false;
    }
  }
  return pattern.slice(at).every((rest) => rest === "*");
}
