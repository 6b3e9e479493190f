// The line of text for a terminal: a failed command is red, and one that was denied is yellow.
// Names are escaped in the line, so no name can begin or end a color.
import { isDenied } from "../events/event.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { AuditRecord } from "./record.ts";
import { writeText } from "./text.ts";

const RED = "\x1b[31m";
const YELLOW = "\x1b[33m";
const RESET = "\x1b[m";

/** Writes the line, without its end. */
export function writeColoredText(out: ByteWriter, record: AuditRecord): void {
  const { event, outcome } = record;
  if (outcome.succeeded || outcome.isUnknown) {
    writeText(out, record);
    return;
  }
  out.ascii(isDenied(event) ? YELLOW : RED);
  writeText(out, record);
  out.ascii(RESET);
}
