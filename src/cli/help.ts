// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Formats the help for -h and --help. Lines have at most 80 characters, unless a word is longer.
import packageJson from "../../package.json" with { type: "json" };
import { fold } from "../output/fold.ts";
import { type Item, optionGroups, purpose, type Section, sections } from "./manual.ts";
import { type CommandName, commandSummaries, rows, spellings } from "./options.ts";
import { variables } from "./variables.ts";

const WIDTH = 80;
/** First column of the summaries in the short help. */
const COLUMN = 27;
const INDENT = 6;

const title = `mine ${packageJson.version}: ${purpose}`;

/** Returns one line per option. @param command limits the options to one command; undefined for all. */
export function shortHelp(command?: CommandName): string {
  const options = optionGroups(command).flatMap(({ title, names }) => [
    `${title}:`,
    ...names.flatMap((name) => {
      const { summary, words, default: fallback, value } = rows[name];
      const text = `${summary}${words ? `: ${words.join(", ")}` : ""}${fallback ? ` (default ${fallback})` : ""}`;
      return columns(term({ names: spellings(name), value }), text);
    }),
  ]);
  return [
    title,
    usage,
    "",
    "Commands:",
    ...Object.entries(commandSummaries).flatMap(([name, summary]) => columns(name, summary)),
    "",
    ...options,
    "",
    "Environment:",
    ...Object.values(variables).flatMap((variable) =>
      "summary" in variable ? columns(variable.name, variable.summary) : [],
    ),
    "",
    "'mine --help' has the details.",
  ].join("\n");
}

/** Returns the whole manual as text. @param command limits the options to one command; undefined for all. */
export function longHelp(command?: CommandName): string {
  return [title, "", usage, ...sections(command).flatMap(sectionLines)].join("\n");
}

const usage = "Usage: mine [COMMAND] [OPTION]...";

function sectionLines({ title, paragraphs = [], items = [] }: Section): string[] {
  return [
    "",
    `${title}:`,
    ...paragraphs.flatMap((text, index) => [...(index > 0 ? [""] : []), ...indented(text, 2)]),
    ...items.flatMap((item) => [`  ${term(item)}`, ...indented(item.text, INDENT)]),
  ];
}

const term = ({ names, value }: Omit<Item, "text">): string =>
  value ? `${names.join(", ")} ${value}` : names.join(", ");

const indented = (text: string, indent: number): string[] =>
  fold(text, WIDTH - indent).map((line) => " ".repeat(indent) + line);

/** Returns two columns. Long options are aligned, with or without a short form. */
function columns(left: string, right: string): string[] {
  const label = `${left.startsWith("--") ? "      " : "  "}${left}`.padEnd(COLUMN - 1);
  const [first, ...others] = fold(right, WIDTH - COLUMN);
  return [`${label} ${first}`, ...others.map((line) => " ".repeat(COLUMN) + line)];
}
