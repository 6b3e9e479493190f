// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The line for a terminal: the plain line, in a color that shows the outcome of the command.
import { expect, test } from "bun:test";
import type { MineEvent } from "../../src/events/event.ts";
import type { Outcome } from "../../src/ipset/outcome.ts";
import { writeColoredText } from "../../src/output/colored-text.ts";
import { formatText, written } from "../support/lines.ts";
import { eventWith, failureWith, recordWith } from "../support/records.ts";

// ECMA-48: 31 is red, 33 is yellow, and no number is the default.
const RED = "\x1b[31m";
const YELLOW = "\x1b[33m";
const RESET = "\x1b[m";

const EPERM = 1;
const failed: Outcome = failureWith("no");

test.each<[what: string, event: Partial<MineEvent>, outcome: Outcome, before: string, after: string]>([
  ["a success is plain", {}, { status: "success" }, "", ""],
  ["an unknown outcome is plain", {}, { status: "unknown" }, "", ""],
  ["a failure is red", { result: -17 }, failed, RED, RESET],
  ["a denied command is yellow", { result: -EPERM, isRefused: true }, failed, YELLOW, RESET],
  ["EPERM from ipset itself is red", { result: -EPERM }, failed, RED, RESET],
  [
    "a message that nfnetlink refuses with another error is red",
    { result: -22, isRefused: true },
    failed,
    RED,
    RESET,
  ],
])("%s", (_, event, outcome, before, after) => {
  const record = recordWith({ event: eventWith(event), outcome });
  expect(written((out) => writeColoredText(out, record, record))).toBe(before + formatText(record) + after);
});

test("names cannot end the color or start another one", () => {
  const name = Buffer.from("\x1b[m\x1b[32m\x9b0m");
  const record = recordWith({
    event: eventWith({ comm: name, result: -17 }),
    message: { command: "CREATE", commandNumber: 2, setName: name, typeName: name },
    outcome: failed,
    userName: () => name.toString(),
  });
  const line = written((out) => writeColoredText(out, record, record));
  expect(line.startsWith(RED) && line.endsWith(RESET)).toBe(true);
  expect(line.slice(RED.length, -RESET.length)).toMatch(/^[\x20-\x7e]+$/);
});
