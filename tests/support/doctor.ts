// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks the report of `mine doctor --json` against docs/doctor.schema.json, in strict mode.
import { expect } from "bun:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import schema from "../../docs/doctor.schema.json" with { type: "json" };
import type { DoctorReport } from "../../src/doctor/report.ts";
import { readError } from "./stderr.ts";

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
const validate = ajv.compile(schema);

/** Parses a report. @throws {Error} if stdout is not one line with an object that the schema describes. */
export function parseReport(stdout: string): DoctorReport {
  if (!/^[^\n]+\n$/.test(stdout)) throw new Error(`not one line: ${JSON.stringify(stdout)}`);
  const report: DoctorReport = JSON.parse(stdout);
  validate(report);
  if (validate.errors) throw new Error(`${ajv.errorsText(validate.errors)}\n${stdout}`);
  return report;
}

export const usableBackends = ({ backends }: Pick<DoctorReport, "backends">): string[] =>
  backends.filter(({ usable }) => usable).map(({ name }) => name);

/** Expects the reason and the hint of the report in stderr too, if the host cannot be audited. */
export function expectSameRefusal(report: DoctorReport, stderr: string): void {
  if (report.auditable)
    expect({ stderr, reason: report.reason, hint: report.hint }).toEqual({
      stderr: "",
      reason: null,
      hint: null,
    });
  else expect(readError(stderr)).toMatchObject({ reason: report.reason, hint: report.hint });
}
