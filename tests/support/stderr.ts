// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Parses stderr of mine. Tests compare reasons and numbers from here. Only tests/unit/messages.test.ts compares
// the wording of messages. Only this file knows their form.
import type { Reason } from "../../src/errors.ts";

/** Line that mine prints before it reports events. */
export const READY = "Tracing... Hit Ctrl-C to end.";

export interface PrintedError {
  reason: Reason;
  message: string;
  hint: string;
}

/**
 * Returns the error at the end of stderr: one line with reason and message, one line with a hint.
 * @throws {Error} if stderr ends otherwise, or has another error.
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

/** Returns the lines of -v about dropped privileges. */
export const readConfinement = (stderr: string): string[] =>
  [...stderr.matchAll(/^mine: confined: (.*)$/gm)].map(([, given = ""]) => given);

/** Returns the chosen backend. */
export const readBackend = (stderr: string): string | undefined => /^Backend: (\w+)/m.exec(stderr)?.[1];

const causes = {
  full: "event buffer full",
  missed: "probe missed",
  concurrent: "too many commands at once",
  noEntry: "entry not seen",
  noReturn: "return not seen",
  unreadable: "message not found or not readable",
  unreported: "too many messages in one request",
  unwritten: "not written",
} as const;

/** Lost events by cause. A cause without events is absent. */
export type Causes = Partial<Record<keyof typeof causes, number>>;

/** Parses a count of losses. @param text "3 (event buffer full: 2, probe missed: 1)" or "0" */
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

/** Returns the number of denied events that mine did not show, from a summary. */
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

/** Returns every summary: those on SIGUSR1, and the last one. */
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

/** Returns the summary of a run that reported every event. */
export const complete = (seen: number): Summary => ({
  ...{ seen, lost: 0, filtered: 0, denied: 0, truncated: 0 },
  causes: {},
});
