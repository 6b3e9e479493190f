// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Turns the record of `mine -o json` back into commands, as record.sh reads them. The kernel refuses a range that meets
// an existing element, after the part before that element has taken effect. So the replay repeats a refused element in
// its place, and the kernel must refuse it again.
import { readLossless, readWords } from "../../support/escapes.ts";
import type { JsonEvent } from "../../support/schema.ts";

/** @returns latin1 strings: comments need not be UTF-8. */
export function replay(events: readonly Pick<JsonEvent, "event" | "ipset">[]): string[] {
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

/** Returns the added or deleted elements: in a refused batch those before the element at fault. */
export function elementsDone({
  event,
  ipset: { elements = [], failed_element = 0 },
}: Pick<JsonEvent, "event" | "ipset">): string[] {
  return event.outcome === "success" ? elements : elements.slice(0, failed_element);
}

/** Returns the line of a command on whole sets, if it changes something. */
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
