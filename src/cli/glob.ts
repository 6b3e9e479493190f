// Patterns of names: `*` is any characters, `?` is one, everything else is itself. Not a regular expression: names
// are a stranger's and may be 16 KiB long, and what backtracks over several `*` could be kept busy for hours.

/** @returns a test of a text, which takes at most as many steps as both have characters, multiplied. */
export function glob(pattern: string): (text: string) => boolean {
  const wanted = [...pattern];
  return (text) => matches(wanted, [...text]);
}

function matches(pattern: readonly string[], text: readonly string[]): boolean {
  let at = 0;
  let star = -1; // the last one passed: only how much it takes is ever tried again
  let afterStar = 0; // where in the text it ends
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
