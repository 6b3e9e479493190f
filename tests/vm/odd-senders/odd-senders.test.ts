// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Every way to send a message, with every backend: mine reports each command with the kernel's answer, or counts it.
// The tracepoint backend knows an answer only from the sender's receive queue; the other backends know every answer.
import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonEvent, parseEvents, withoutMines } from "../../support/schema.ts";
import { readSummary } from "../../support/stderr.ts";
import { findKernel } from "../kernels.ts";
import { pythonFiles } from "../python.ts";
import { runSession, type Session } from "../session.ts";

const row = findKernel("6.1");
const backends = row.backends.split(",");

const senders = join(import.meta.dir, "../../host/odd-senders.py");
/** The import statements of odd-senders.py. */
const imports =
  readFileSync(senders, "utf8")
    .match(/^import \w+$/gm)
    ?.join("\n") ?? "";

interface Truth {
  set: string | null;
  command: string;
  outcome: number;
  hidden: boolean;
}

let session: Session;
let truth: Truth[];

beforeAll(async () => {
  session = await runSession("odd-senders/guest.sh", row, {
    env: { BACKENDS: row.backends },
    files: { ...pythonFiles(imports), "/odd-senders.py": senders },
  });
  expect(`${session.exitCode} ${session.text("stderr")}${session.text("senders.stderr")}`).toStartWith("0 ");
  truth = ["truth.nobody", "truth"].flatMap((name) => JSON.parse(session.text(name)) as Truth[]);
  console.error(`Linux ${row.name}: ${truth.length} commands; ${session.text("senders.stderr")}`);
}, 400_000);

const isLate = ({ set, command }: Truth): boolean => command === "save" || set === "behind-a-dump";

const seen = ({ event, ipset }: JsonEvent): string =>
  JSON.stringify([
    ipset.set ?? null,
    ipset.command,
    event.outcome === "unknown" ? null : (ipset.error?.number ?? 0),
  ]);

describe.each(backends)("%s", (backend) => {
  test("reports each command with the kernel's answer, or counts it", () => {
    const events = parseEvents(session.text(`mine.${backend}.stdout`));
    const isBlind = backend === "tracepoint";
    // An answer that another thread receives may be in transit while the tracepoint backend searches for it.
    const mayRace = ({ set }: Truth): boolean => isBlind && (set?.startsWith("recv") ?? false);
    const expected = truth.map(({ set, command, outcome, hidden }) =>
      JSON.stringify([set, command, hidden && isBlind ? null : outcome]),
    );
    const unknown = truth.map(({ set, command }) => JSON.stringify([set, command, null]));
    // The kernel frees the request of an unread dump a little after its socket was closed.
    const late = expected.filter((_, index) => isLate(truth[index] as Truth));
    const all = withoutMines(events).map(seen);
    expect(all.filter((line) => late.includes(line)).toSorted()).toEqual(late.toSorted());
    const reported = all.filter((line) => !late.includes(line));
    let at = 0;
    let counted = 0;
    for (const [index, line] of expected.entries()) {
      if (late.includes(line)) continue;
      const isRaced = mayRace(truth[index] as Truth) && reported[at] === unknown[index];
      if (reported[at] === line || isRaced) at += 1;
      else if (truth[index]?.set?.startsWith("row")) counted += 1;
      else expect({ index, reported: reported[at] }).toEqual({ index, reported: line });
    }
    expect(reported.slice(at)).toEqual([]);
    expect(readSummary(session.text(`mine.${backend}.stderr`))).toMatchObject({
      seen: events.length,
      lost: counted,
      causes: counted === 0 ? {} : { unreported: counted },
    });
    expect(session.text(`mine.${backend}.exit`)).toBe("0");
  });
});
