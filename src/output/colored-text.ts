// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes the line of text for a terminal: a failed command is red, a denied one is yellow.
// The line has names in escaped form, so no name can begin or end a color.
import { isDenied } from "../events/event.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { AuditRecord, RunContext } from "./record.ts";
import { writeText } from "./text.ts";

const RED = "\x1b[31m";
const YELLOW = "\x1b[33m";
const RESET = "\x1b[m";

/** Writes the line, without a newline. */
export function writeColoredText(out: ByteWriter, record: AuditRecord, context: RunContext): void {
  const { event, outcome } = record;
  if (outcome.status !== "failure") {
    writeText(out, record, context);
    return;
  }
  out.ascii(isDenied(event) ? YELLOW : RED);
  writeText(out, record, context);
  out.ascii(RESET);
}
