// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The prose rule of CONTRIBUTING.md, as far as a program can check it: in comments, test titles, messages and pages.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { root } from "../support/compile.ts";

const MAX_WORDS = 32;

/** Words and beginnings that have a better one, and that. */
const rules: readonly (readonly [pattern: RegExp, better: string])[] = [
  [/^(Of|Who|Whoever|What|But for)\b/, "begin with the subject"],
  [/\bwhat (is|was|are|were|has|had)\b/i, "a noun: 'a lost event'"],
  [/\b(who|what|whose|where|which)(so)?ever\b/i, "the noun"],
  [/\bstrangers?\b/i, "untrusted input, another program"],
  [/\b(rungs?|ladder)\b/i, "backend"],
  [/\b(the|two|three) traps?\b/i, "the fact alone"],
  [/\bpass(es|ed)? by\b/i, "skip, miss"],
  [/\bcut off\b/i, "truncated"],
];

/** Generated, or text of others. */
const excluded =
  /^(vmlinux|patches|lib\/elfutils)\/|\.gen\.ts$|\.skel\.ts$|LICENSE|NOTICE|package-lock|benchmarks\.md$/;

const tracked = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
})
  .stdout.toString()
  .trim()
  .split("\n")
  .filter((file) => !excluded.test(file) && file !== "tests/unit/prose.test.ts");

const source = (file: string): string =>
  readFileSync(join(root, file), "utf8").replace(/^.*SPDX-License-Identifier.*$/m, "");

/** Returns comments as paragraphs, without the marks around them. */
function paragraphs(comments: string[]): string[] {
  const unmarked = comments.map((comment) => comment.replaceAll(/^[ \t]*\*[ \t]?/gm, ""));
  return unmarked.flatMap((comment) => comment.split(/\n[ \t]*\n|\n(?=[ \t]*[-*|@]|[ \t]{2,})/));
}

/** Comments of consecutive lines are one text. */
const joinLines = (lines: RegExpMatchArray[]): string[] => {
  const texts: string[] = [];
  let end = -1;
  for (const { 0: whole, 1: text = "", index = 0 } of lines) {
    if (index === end + 1 && texts.length > 0) texts.push(`${texts.pop()}\n${text}`);
    else texts.push(text);
    end = index + whole.length;
  }
  return texts;
};

function textsOfTypeScript(file: string): string[] {
  const text = source(file);
  const { program, comments } = parseSync(file, text);
  const lines: { value: string; end: number }[] = [];
  for (const { type, value, start, end } of comments) {
    const last = lines.at(-1);
    const isNext = last && type === "Line" && /^\r?\n[ \t]*$/.test(text.slice(last.end, start));
    if (isNext) Object.assign(last, { value: `${last.value}\n${value}`, end });
    else lines.push({ value, end });
  }
  const titles: string[] = [];
  new Visitor({
    CallExpression: ({ callee, arguments: [title] }) => {
      if (!/^(test|describe)\b/.test(text.slice(callee.start, callee.end))) return;
      if (title?.type === "Literal" && typeof title.value === "string") titles.push(title.value);
    },
  }).visit(program);
  return [...paragraphs(lines.map(({ value }) => value)), ...titles];
}

function textsOf(file: string): string[] {
  if (file.endsWith(".ts")) return textsOfTypeScript(file);
  if (/\.[ch]$/.test(file))
    return paragraphs([...source(file).matchAll(/\/\*(.*?)\*\//gs)].map(([, text = ""]) => text));
  if (/\.(sh|py|mk)$|Makefile$|KERNELS$|\.ci\/run$/.test(file)) {
    return paragraphs(joinLines([...source(file).matchAll(/^[ \t]*#(?!!)(.*)$/gm)]));
  }
  if (file.endsWith(".md")) {
    const prose = source(file).replaceAll(/^```.*?^```/gms, "");
    return prose.split(/\n[ \t]*\n|\n(?=[ \t]*(?:[-*|#>]|\d+\.))/);
  }
  // Every text that a user can see: tests/unit/messages.test.ts.
  return file.endsWith(".snap") ? source(file).split("\n") : [];
}

const sentencesOf = (text: string): string[] =>
  text
    .replaceAll(/`[^`]*`|"[^"]*"|<cut off>/g, "X") // <cut off> is a part of a line that mine prints
    .replaceAll(/\s+/g, " ")
    .split(/(?<=[.!?:;])\s+(?=\S)|(?<=\S) \| /)
    .map((sentence) => sentence.replace(/^[\s*|#>-]*(?:@\w+ \w+ )?/, "").trim());

function complaints(file: string): string[] {
  return textsOf(file)
    .flatMap(sentencesOf)
    .flatMap((sentence) => {
      const found = rules.filter(([pattern]) => pattern.test(sentence)).map(([, better]) => better);
      if (sentence.split(" ").length > MAX_WORDS) found.push(`at most ${MAX_WORDS} words`);
      return found.map((better) => `${file}: ${better}: ${sentence}`);
    });
}

test("sentences are found in each kind of file", () => {
  const counts = [".ts", ".h", ".sh", ".md", "Makefile"].map(
    (end) => tracked.filter((file) => file.endsWith(end)).flatMap(textsOf).length,
  );
  for (const count of counts) expect(count).toBeGreaterThan(4);
});

test("comments, titles and pages follow the rule", () => {
  expect(tracked.flatMap(complaints)).toEqual([]);
});
