// The sum of what was not seen, and the words for it.
import { expect, test } from "bun:test";
import { readLosses } from "../../src/app/losses.ts";
import type { Counters } from "../../src/bpf/counters.ts";
import type { EventBuffer } from "../../src/bpf/event-buffer.ts";

type Counts = ReturnType<Counters["read"]>;

const none: Counts = { lostBuffer: 0, lostCall: 0, lostEntry: 0, lostMessage: 0, lostRest: 0, filtered: 0 };

function losses(counts: Partial<Counts>, lostInBuffer = 0, unreadable = 0, unwritten = 0) {
  const counters = { read: () => ({ ...none, ...counts }) } as Counters;
  return readLosses(counters, { lost: lostInBuffer } as EventBuffer, { unreadable, unwritten });
}

test("nothing lost is 0", () => {
  expect(losses({})).toEqual({ total: 0, text: "0" });
});

test("what found no room is counted once, wherever it was counted", () => {
  expect(losses({ lostBuffer: 2 }, 3)).toEqual({ total: 5, text: "5 (event buffer full: 5)" });
});

test("a record that is no event is a message that cannot be read", () => {
  expect(losses({ lostMessage: 1 }, 0, 2)).toEqual({
    total: 3,
    text: "3 (message not found or not readable: 3)",
  });
});

test("every cause is told by its name, those that did not happen are not", () => {
  expect(
    losses({ lostBuffer: 1, lostCall: 2, lostEntry: 4, lostMessage: 8, lostRest: 128 }, 16, 32, 64),
  ).toEqual({
    total: 255,
    text: "255 (event buffer full: 17, too many commands at once: 2, entry not seen: 4, message not found or not readable: 40, call with too many messages: 128, stdout was not read: 64)",
  });
  expect(losses({ lostEntry: 1 }).text).toBe("1 (entry not seen: 1)");
});

test("what was filtered is not lost", () => {
  expect(losses({ filtered: 7 })).toEqual({ total: 0, text: "0" });
});
