// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Severities of syslog(3) for records: 6 informational, 5 notice, 4 warning.
import type { AuditRecord } from "./record.ts";
import type { RunRecord } from "./run-record.ts";

const byOutcome = { success: 6, failure: 4, unknown: 5 } as const;
const byAction = { start: 6, set: 6, lost: 4, end: 6 } as const;

export const severityOf = ({ outcome }: AuditRecord): number => byOutcome[outcome.status];
export const runSeverityOf = ({ action }: RunRecord): number => byAction[action];
