// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Turns what `mine -o json` recorded back into commands, as record.sh reads them. A range that meets
// an element which is already there is refused, and has taken effect up to there; so a refused command is
// tried again in its place, and must be refused again.
import { readLossless, readWords } from "../../support/escapes.ts";
import type { JsonEvent } from "../../support/schema.ts";

/** @returns latin1 strings: comments need not be UTF-8. */
export function replay(events: readonly JsonEvent[]): string[] {
  return events.flatMap((recorded) => {
    const { event, ipset } = recorded;
    const succeeded = event.outcome === "success";
    if (ipset.command !== "add" && ipset.command !== "del") return succeeded ? setLines(ipset) : [];
    const done = elementsDone(recorded);
    const lines = done.map((element) => elementLine(ipset, element));
    const refused = ipset.elements?.[done.length];
    return refused === undefined ? lines : [...lines, `- ${elementLine(ipset, refused)}`];
  });
}

/** Those that were added or deleted: of a batch that was refused all before the one that is to blame. */
export function elementsDone({ event, ipset: { elements = [], failed_element = 0 } }: JsonEvent): string[] {
  return event.outcome === "success" ? elements : elements.slice(0, failed_element);
}

/** Returns the lines of a command on whole sets that changes something. */
function setLines({ command, set, new_name, type, exist, options = [] }: JsonEvent["ipset"]): string[] {
  const names = [set, new_name].filter((name) => name !== undefined).map(nameWord);
  switch (command) {
    case "create":
      return [["create", ...names, type, ...options, ...existWord(exist)].join(" ")];
    case "destroy":
    case "flush":
    case "rename":
    case "swap":
      return [[command, ...names].join(" ")];
    default:
      return [];
  }
}

function elementLine({ command, set = "", exist }: JsonEvent["ipset"], element: string): string {
  return [command, nameWord(set), ...elementWords(element).map(inQuotes), ...existWord(exist)].join(" ");
}

/** The words of an element, without mine's quotes and escapes. */
export const elementWords = (element: string): string[] => readWords(element).map(latin1);

const nameWord = (name: string): string => inQuotes(latin1(readLossless(name)));
const existWord = (exist: true | undefined): string[] => (exist ? ["-exist"] : []);
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** `ipset restore` knows double quotes and no escapes. */
const inQuotes = (word: string): string => (word === "" || /\s/.test(word) ? `"${word}"` : word);
