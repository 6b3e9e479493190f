// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads what mine writes to stderr. Tests compare reasons and numbers from here: the wording of a message is
// compared in tests/unit/messages.test.ts alone, and its form is known in this file alone.
import type { Reason } from "../../src/errors.ts";

/** The line after which events are reported. */
export const READY = "Tracing... Hit Ctrl-C to end.";

export interface PrintedError {
  reason: Reason;
  message: string;
  hint: string;
}

/**
 * Returns the error at the end of stderr: one line with reason and message, one line with a hint.
 * @throws where stderr ends otherwise, or has another error.
 */
export function readError(stderr: string): PrintedError {
  const [, before = "", reason, message = "", hint = ""] =
    /^((?:.*\n)*?)mine: error\[([a-z-]+)\]: (\S.*)\n {6}(\S.*)\n?$/.exec(stderr) ?? [];
  if (reason === undefined || before.includes("mine: error")) throw new Error(`not one error: ${stderr}`);
  return { reason: reason as Reason, message, hint };
}

/** Returns the messages of mine's own warnings. */
export const readWarnings = (stderr: string): string[] =>
  [...stderr.matchAll(/^mine: warning: (.*)$/gm)].map(([, message = ""]) => message);

/** Returns what -v says of privileges given up. */
export const readConfinement = (stderr: string): string[] =>
  [...stderr.matchAll(/^mine: confined: (.*)$/gm)].map(([, given = ""]) => given);

/** Returns the backend that was taken. */
export const readBackend = (stderr: string): string | undefined => /^Backend: (\w+)/m.exec(stderr)?.[1];

const causes = {
  full: "event buffer full",
  missed: "probe missed",
  concurrent: "too many commands at once",
  noEntry: "entry not seen",
  noReturn: "return not seen",
  unreadable: "message not found or not readable",
  unreported: "too many messages in one request",
  unwritten: "not written to stdout",
} as const;

/** Lost events, by cause; a cause that did not happen is left out. */
export type Causes = Partial<Record<keyof typeof causes, number>>;

/** @param text "3 (event buffer full: 2, probe missed: 1)" or "0" */
export function readLossText(text: string): { lost: number; causes: Causes } {
  const [, lost, list = ""] = /^(\d+)(?: \((.*)\))?$/.exec(text) ?? [];
  if (lost === undefined) throw new Error(`not a count of losses: ${text}`);
  const counts = list
    .split(", ")
    .filter(Boolean)
    .map((part): [string, number] => {
      const [words, count] = part.split(": ");
      const cause = Object.entries(causes).find(([, known]) => known === words)?.[0];
      if (cause === undefined) throw new Error(`not a known cause: ${part}`);
      return [cause, Number(count)];
    });
  return { lost: Number(lost), causes: Object.fromEntries(counts) };
}

/** Events denied by the kernel, and too many to be shown. */
export const readDenied = (text: string): number => Number(/, (\d+) denied not shown$/.exec(text)?.[1] ?? 0);

export interface Summary {
  seen: number;
  lost: number;
  filtered: number;
  denied: number;
  truncated: number;
  causes: Causes;
}

const summaryLine =
  /^(\d+) events seen, (.*) lost, (\d+) truncated(?:, (\d+) filtered)?(?:, \d+ denied not shown)?$/gm;

/** Returns every summary, the last one included: SIGUSR1 asks for others. */
export const readSummaries = (stderr: string): Summary[] =>
  [...stderr.matchAll(summaryLine)].map(([line, seen, losses = "", truncated, filtered = 0]) => ({
    ...readLossText(losses),
    seen: Number(seen),
    truncated: Number(truncated),
    filtered: Number(filtered),
    denied: readDenied(line),
  }));

/** Returns the summary in the last line. */
export function readSummary(stderr: string): Summary {
  const summary = readSummaries(stderr.trimEnd().split("\n").at(-1) ?? "")[0];
  if (!summary) throw new Error(`not a summary: ${stderr}`);
  return summary;
}

/** A run in which every event was reported. */
export const complete = (seen: number): Summary => ({
  ...{ seen, lost: 0, filtered: 0, denied: 0, truncated: 0 },
  causes: {},
});
