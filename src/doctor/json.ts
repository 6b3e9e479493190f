// What `mine doctor` found, for machines: the report as it is, on one line (docs/doctor.schema.json).

import { unicodeEscape } from "../output/json-writer.ts";
import type { DoctorReport } from "./report.ts";

/** What JSON allows as it is, but a terminal may take for something else. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** @returns the line, without its end. */
export function formatDoctorJson(report: DoctorReport): string {
  return JSON.stringify(report).replaceAll(unsafe, (character) =>
    unicodeEscape(character.codePointAt(0) ?? 0),
  );
}
