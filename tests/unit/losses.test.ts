// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The sum of lost events, and their causes.
import { expect, test } from "bun:test";
import type { Counters } from "../../src/events/counters.ts";
import { deniedText, lossText } from "../../src/output/run-text.ts";
import { readLosses } from "../../src/trace/losses.ts";
import { readDenied, readLossText } from "../support/stderr.ts";

type Counts = ReturnType<Counters["read"]>;

const none: Counts = {
  submitted: 0,
  lostBuffer: 0,
  lostCall: 0,
  lostEntry: 0,
  lostMessage: 0,
  lostRest: 0,
  filtered: 0,
  denied: 0,
  entered: 0,
  returned: 0,
};

function losses(
  counts: Partial<Counts>,
  { lost = 0, missed = 0, unreadable = 0, unwritten = 0, received }: Partial<Record<string, number>> = {},
) {
  const source = {
    counters: { read: () => ({ ...none, ...counts }) },
    buffer: { lost },
    misses: () => missed,
  };
  const found = readLosses(source, { unreadable, unwritten }, received);
  const { lost: total, denied } = found;
  const text = readLossText(lossText(found));
  expect(text.lost).toBe(total);
  expect(readDenied(deniedText(found))).toBe(denied);
  return { total, causes: text.causes, denied };
}

test("nothing lost is 0", () => {
  expect(losses({})).toEqual({ total: 0, causes: {}, denied: 0 });
});

test("counts an event without space once, also if both sides report it", () => {
  const five = { total: 5, causes: { full: 5 } };
  expect(losses({ lostBuffer: 5 }, { lost: 3 })).toMatchObject(five);
  expect(losses({ lostBuffer: 0 }, { lost: 5 })).toMatchObject(five);
});

test("in the end counts each submitted event that did not arrive as lost", () => {
  const five = { total: 5, causes: { full: 5 } };
  expect(losses({ submitted: 20, lostBuffer: 5 }, { lost: 5, received: 15 })).toMatchObject(five);
  expect(losses({ submitted: 20 }, { lost: 1, received: 15 })).toMatchObject(five);
  expect(losses({ submitted: 20 }, { received: 20 })).toEqual({ total: 0, causes: {}, denied: 0 });
});

test("a record that is no event is a message that cannot be read", () => {
  expect(losses({ lostMessage: 1 }, { unreadable: 2 })).toMatchObject({
    total: 3,
    causes: { unreadable: 3 },
  });
});

test("every cause is told by its name, those that did not happen are not", () => {
  expect(
    losses(
      { lostCall: 2, lostEntry: 4, lostMessage: 8, lostRest: 128 },
      { lost: 17, missed: 256, unreadable: 32, unwritten: 64 },
    ),
  ).toMatchObject({
    total: 511,
    causes: {
      ...{ full: 17, missed: 256, concurrent: 2, noEntry: 4 },
      ...{ unreadable: 40, unreported: 128, unwritten: 64 },
    },
  });
  expect(losses({ lostEntry: 1 }).causes).toEqual({ noEntry: 1 });
});

test("an entry without a return is lost in the end, and under way before", () => {
  expect(losses({ entered: 9, returned: 7 }).causes).toEqual({});
  expect(losses({ entered: 9, returned: 7 }, { received: 0 }).causes).toEqual({ noReturn: 2 });
  expect(losses({ entered: 7, returned: 9 }, { received: 0 }).causes).toEqual({});
});

test("a filtered command is not lost", () => {
  expect(losses({ filtered: 7 })).toEqual({ total: 0, causes: {}, denied: 0 });
});

test("reports denied commands that are not shown, and loses none", () => {
  expect(losses({ denied: 123, lostEntry: 1 })).toEqual({ total: 1, causes: { noEntry: 1 }, denied: 123 });
});
