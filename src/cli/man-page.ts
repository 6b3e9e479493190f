// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Formats the man page mine(8) with the macros of man(7).
import packageJson from "../../package.json" with { type: "json" };
import { fold } from "../output/fold.ts";
import { type Item, purpose, type Section, sections, synopsis } from "./manual.ts";

/** Date of the last change of the text. */
const DATE = "2026-11-25";
const WIDTH = 79;

export function manPage(): string {
  return [
    `.TH MINE 8 ${DATE} "mine ${packageJson.version}" "System Administration"`,
    ".SH NAME",
    `mine \\- ${purpose}`,
    ".SH SYNOPSIS",
    ...synopsis.flatMap((line, index) => [...(index > 0 ? [".br"] : []), roff(line)]),
    ...sections().flatMap(sectionLines),
    ".SH SEE ALSO",
    ".BR ipset (8),",
    ".BR bpf (2)",
  ].join("\n");
}

function sectionLines({ title, paragraphs = [], items = [] }: Section): string[] {
  return [
    `.SH ${title.toUpperCase()}`,
    ...paragraphs.flatMap((text, index) => [...(index > 0 ? [".PP"] : []), ...sentences(text)]),
    ...items.flatMap((item) => [".TP", term(item), ...sentences(item.text)]),
  ];
}

function term({ names, value }: Item): string {
  const bold = names.map((name) => `\\fB${roff(name)}\\fR`).join(", ");
  return value ? `${bold} \\fI${roff(value)}\\fR` : bold;
}

/** Starts each sentence on a new line, as roff recommends, and folds long lines. */
function sentences(text: string): string[] {
  const lines = roff(text).split(/(?<=[.:]) (?=[A-Z])/);
  return lines.flatMap((line) => fold(line, WIDTH)).map((line) => line.replace(/^(?=['.])/, "\\&"));
}

/** Escapes backslashes, and dashes so that they can be copied from the page. */
const roff = (text: string): string => text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
