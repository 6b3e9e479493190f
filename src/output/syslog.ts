// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes records for /dev/log, in the form of syslog(3): "<86>Nov 25 03:07:04 mine[77]: TEXT". rsyslog takes RFC 5424
// there for another form: the program's name is then "1".
import type { ByteWriter } from "./byte-writer.ts";
import type { RecordWriter } from "./output.ts";
import type { RunRecordWriter } from "./run-record.ts";
import { writeRunText } from "./run-text.ts";
import { runSeverityOf, severityOf } from "./severity.ts";
import { writeTextWithoutTime } from "./text.ts";
import { syslogTime } from "./time.ts";

/** LOG_AUTHPRIV: messages about security that not everybody may read. */
const FACILITY = 10;

/** Returns the writers of a process. */
export function syslogWriters(pid: number): { write: RecordWriter; writeRun: RunRecordWriter } {
  const begin = (out: ByteWriter, severity: number, timeNs: bigint): void =>
    out.ascii(`<${FACILITY * 8 + severity}>${syslogTime(timeNs)} mine[${pid}]: `);
  return {
    write: (out, record, context) => {
      begin(out, severityOf(record), record.timeNs);
      writeTextWithoutTime(out, record, context, context.ancestry);
    },
    writeRun: (out, record, context) => {
      begin(out, runSeverityOf(record), record.timeNs);
      writeRunText(out, record, context);
    },
  };
}
