// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The links, paths and options in README and the pages of docs exist.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { optionNames, spellings } from "../../src/cli/options.ts";
import { root } from "../support/compile.ts";

const MAX_README_LINES = 130;

const run = (...command: string[]): string => Bun.spawnSync(command, { cwd: root }).stdout.toString();
const tree = run("git", "ls-files", "--cached", "--others", "--exclude-standard").trim().split("\n");
const topFolders = new Set(tree.filter((file) => file.includes("/")).map((file) => file.split("/")[0]));

/** The pages that people write. bench/bench.ts writes docs/benchmarks.md. */
const pages = tree.filter((file) => /^(docs\/)?[\w-]+\.md$/.test(file) && file !== "docs/benchmarks.md");
const textOf = (page: string): string => readFileSync(join(root, page), "utf8");
const blocksOf = (page: string): string[] =>
  [...textOf(page).matchAll(/^```[^\n]*\n(.*?)^```$/gms)].map(([, block = ""]) => block);
const proseOf = (page: string): string => textOf(page).replaceAll(/^```.*?^```$/gms, "");
/** Returns the texts in backticks. In a table, a `|` has a backslash before it. */
const spansOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span.replaceAll("\\|", "|"));

/** Returns the anchor that GitHub gives to a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
const anchorsOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));

interface Reference {
  page: string;
  text: string;
}

const everywhere = (find: (page: string) => string[]): Reference[] =>
  pages.flatMap((page) => find(page).map((text) => ({ page, text })));

/** Returns "PAGE: TEXT" for each wrong reference. */
const wrong = (references: Reference[], isRight: (reference: Reference) => boolean): string[] =>
  references.filter((reference) => !isRight(reference)).map(({ page, text }) => `${page}: ${text}`);

const links = everywhere((page) =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target),
).filter(({ text }) => !/^\w+:/.test(text));

/** Words in backticks that begin with a folder of the tree. */
const paths = everywhere((page) =>
  spansOf(page)
    .map((span) => span.split(" ")[0] ?? "")
    .filter((word) => topFolders.has(word.split("/")[0]) && word.includes("/")),
);

/** Options of mine: alone in backticks, or after `mine` in a command. */
const options = everywhere((page) => [
  ...spansOf(page).flatMap((span) => [...(/^--?[a-z]/.test(span) ? [span] : []), ...optionsOfCommands(span)]),
  ...blocksOf(page).flatMap((block) => block.split("\n").flatMap(optionsOfCommands)),
])
  .map(({ page, text }) => ({ page, text: text.split(/[ =]/)[0] ?? "" }))
  // `-exist` is an option of ipset.
  .filter(({ text }) => text !== "-exist" && text !== "--");

function optionsOfCommands(line: string): string[] {
  return [...line.matchAll(/(?:^|[ /])mine((?: [^|>&;]*)?)/g)].flatMap(([, words = ""]) =>
    words.split(" ").filter((word) => /^--?[a-z]/.test(word)),
  );
}

test("finds the pages and their references", () => {
  expect(pages).toContain("README.md");
  expect(pages).toContain("docs/guide.md");
  expect(links.length).toBeGreaterThan(30);
  expect(paths.length).toBeGreaterThan(40);
  expect(options.length).toBeGreaterThan(30);
});

test("each relative link leads to a file, and to a heading in it", () => {
  const leads = ({ page, text }: Reference): boolean => {
    const [file = "", anchor] = text.split("#");
    const target = relative(root, file === "" ? join(root, page) : join(root, dirname(page), file));
    return existsSync(join(root, target)) && (anchor === undefined || anchorsOf(target).includes(anchor));
  };
  expect(wrong(links, leads)).toEqual([]);
});

test("each path in backticks is in the tree", () => {
  const isThere = ({ text }: Reference): boolean =>
    text.includes("*") ? tree.some((file) => new Bun.Glob(text).match(file)) : existsSync(join(root, text));
  expect(wrong(paths, isThere)).toEqual([]);
});

test("each option after mine or in backticks exists", () => {
  const known = new Set(optionNames.flatMap(spellings));
  expect(wrong(options, ({ text }) => known.has(text))).toEqual([]);
});

test("the guide names each option, and README names the command that runs the tests", () => {
  const named = new Set(options.filter(({ page }) => page === "docs/guide.md").map(({ text }) => text));
  expect(optionNames.filter((name) => !spellings(name).some((spelling) => named.has(spelling)))).toEqual([]);
  expect(spansOf("README.md")).toContain("make test");
});

test("a path of links leads from README to each page", () => {
  const reached = new Set(["README.md"]);
  for (const page of reached) {
    for (const { text } of links.filter((link) => link.page === page)) {
      const target = relative(root, join(root, dirname(page), text.split("#")[0] ?? ""));
      if (pages.includes(target)) reached.add(target);
    }
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});

test("README stays short", () => {
  expect(textOf("README.md").split("\n").length - 1).toBeLessThanOrEqual(MAX_README_LINES);
});

test("each source file names its licence", () => {
  const sources = tree.filter((file) => /\.(ts|py|sh|mk|[ch]|bt|map)$|(^|\/)Makefile$/.test(file));
  const ours = sources.filter((file) => !/\.(gen|skel)\.ts$|^lib\/elfutils\/|^vmlinux\/vmlinux_/.test(file));
  const unnamed = ours.filter((file) => !textOf(file).slice(0, 200).includes("SPDX-License-Identifier: "));
  expect(ours.length).toBeGreaterThan(200);
  expect(unnamed).toEqual([]);
});
