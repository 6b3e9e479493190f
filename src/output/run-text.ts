// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes records about the run, and its counts, for people.
import type { ListedSet } from "../ipset/listed-set.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { writeWord } from "./escape.ts";
import { writeElement, writeOption } from "./ipset-text.ts";
import type { RunContext } from "./record.ts";
import type { Counts, Losses, RunRecord } from "./run-record.ts";

/** Elements of a set that are shown. */
const SHOWN = 2;

/** Writes the record without its time, as one line without a newline. */
export function writeRunText(out: ByteWriter, record: RunRecord, { backend }: RunContext): void {
  switch (record.action) {
    case "start": {
      const { version, kernel, setRecords } = record.start;
      const sets = setRecords === undefined ? "" : `, sets: ${setRecords}`;
      out.utf8(`mine ${version} started: kernel ${kernel}, backend ${backend}${sets}`);
      break;
    }
    case "set":
      writeSet(out, record.set);
      break;
    case "lost":
      out.ascii(`events lost so far: ${lossText(record.counts)}${deniedText(record.counts)}`);
      break;
    case "end":
      out.ascii(`mine ended: ${countsText(record.counts)}`);
  }
}

function writeSet(out: ByteWriter, { message, elementCount }: ListedSet): void {
  const { setName, typeName, options = [], elements } = message;
  out.ascii("set ");
  if (setName) writeWord(out, setName);
  if (typeName) {
    out.ascii(": ");
    writeWord(out, typeName);
  }
  for (const option of options) {
    out.ascii(" ");
    writeOption(out, option);
  }
  if (elementCount !== undefined) out.ascii(`, elements: ${elementCount}`);
  for (let index = 0; index < Math.min(elements?.length ?? 0, SHOWN); index++) {
    out.ascii(", ");
    const element = elements?.at(index);
    if (element) writeElement(out, element);
  }
  if (elements && elements.length > SHOWN) out.ascii(` (+${elements.length - SHOWN} more)`);
}

/** Returns "12 events seen, 0 lost, 0 truncated", and the other counts that are not 0. */
export function countsText(counts: Counts): string {
  const { seen, truncated, filtered } = counts;
  const others = `${filtered > 0 ? `, ${filtered} filtered` : ""}${deniedText(counts)}`;
  return `${seen} events seen, ${lossText(counts)} lost, ${truncated} truncated${others}`;
}

/** Returns the number of lost events with its causes: "3 (event buffer full: 2, probe missed: 1)", or "0". */
export function lossText({ lost, causes }: Losses): string {
  const parts = causes.filter(([, count]) => count > 0).map(([cause, count]) => `${cause}: ${count}`);
  return parts.length > 0 ? `${lost} (${parts.join(", ")})` : "0";
}

/** Returns ", 123 denied not shown", or "". */
export const deniedText = ({ denied }: Losses): string => (denied > 0 ? `, ${denied} denied not shown` : "");
