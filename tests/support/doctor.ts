// The report of `mine doctor --json`, checked against docs/doctor.schema.json, which is taken literally.
import { Ajv2020 } from "ajv/dist/2020.js";
import schema from "../../docs/doctor.schema.json" with { type: "json" };
import type { DoctorReport } from "../../src/output/doctor-report.ts";

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true });
const validate = ajv.compile(schema);

/** @throws where stdout is not one line with the object that the schema describes. */
export function parseReport(stdout: string): DoctorReport {
  if (!/^[^\n]+\n$/.test(stdout)) throw new Error(`not one line: ${JSON.stringify(stdout)}`);
  const report: DoctorReport = JSON.parse(stdout);
  validate(report);
  if (validate.errors) throw new Error(`${ajv.errorsText(validate.errors)}\n${stdout}`);
  return report;
}

export const usableBackends = ({ backends }: Pick<DoctorReport, "backends">): string[] =>
  backends.filter(({ usable }) => usable).map(({ name }) => name);
