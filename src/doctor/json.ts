// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes the report of `mine doctor` as one line of JSON (docs/doctor.schema.json).

import { unicodeEscape } from "../output/json-writer.ts";
import type { DoctorReport } from "./report.ts";

/** Characters that JSON allows but a terminal can misinterpret. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Returns the line, without a newline. */
export function formatDoctorJson(report: DoctorReport): string {
  return JSON.stringify(report).replaceAll(unsafe, (character) =>
    unicodeEscape(character.codePointAt(0) ?? 0),
  );
}
