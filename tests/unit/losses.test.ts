// The sum of what was not seen, and the words for it.
import { expect, test } from "bun:test";
import { type LostElsewhere, sumLosses } from "../../src/app/losses.ts";
import type { Counts } from "../../src/bpf/counters.ts";

const none: Counts = {
  submitted: 0,
  lostBuffer: 0,
  lostCall: 0,
  lostEntry: 0,
  lostMessage: 0,
  lostRest: 0,
  filtered: 0,
};

const losses = (counts: Partial<Counts>, elsewhere: Partial<LostElsewhere> = {}) =>
  sumLosses({ ...none, ...counts }, { inBuffer: 0, missed: 0, unreadable: 0, unwritten: 0, ...elsewhere });

test("nothing lost is 0", () => {
  expect(losses({})).toEqual({ total: 0, text: "0" });
});

test("what found no room is counted once, wherever it was counted", () => {
  expect(losses({ submitted: 9, lostBuffer: 5 }, { inBuffer: 5 })).toEqual({
    total: 5,
    text: "5 (event buffer full: 5)",
  });
});

test("a record that is no event is a message that cannot be read", () => {
  expect(losses({ lostMessage: 1 }, { unreadable: 2 })).toEqual({
    total: 3,
    text: "3 (message not found or not readable: 3)",
  });
});

test("every cause is told by its name, those that did not happen are not", () => {
  expect(
    losses(
      { lostCall: 2, lostEntry: 4, lostMessage: 8, lostRest: 128 },
      { inBuffer: 17, missed: 256, unreadable: 32, unwritten: 64 },
    ),
  ).toEqual({
    total: 511,
    text: "511 (event buffer full: 17, probe missed: 256, too many commands at once: 2, entry not seen: 4, message not found or not readable: 40, call with too many messages: 128, stdout was not read: 64)",
  });
  expect(losses({ lostEntry: 1 }).text).toBe("1 (entry not seen: 1)");
});

test("what was filtered is not lost", () => {
  expect(losses({ filtered: 7 })).toEqual({ total: 0, text: "0" });
});
