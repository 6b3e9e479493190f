// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Several mine trace the same commands: one reports all of them, each other exactly those that its options select.
// They use the legacy object, and tracefs, because so many probes are the harder case there.
import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { type JsonEvent, parseEvents, withoutMines, withoutTimes } from "../../support/schema.ts";
import { complete, readSummary, type Summary } from "../../support/stderr.ts";
import { bootVm, type VmResult } from "../../support/vm.ts";
import { fetchKernel } from "../kernels.ts";

const { MINE: mine = join(import.meta.dir, "../../../mine") } = process.env;
let result: VmResult;
let all: JsonEvent[];

beforeAll(async () => {
  result = await bootVm({
    kernel: await fetchKernel({ suite: "bullseye", series: "5.10" }),
    script: join(import.meta.dir, "guest.sh"),
    files: { "/usr/local/bin/mine": mine },
    env: { MINE_ASSUME_KERNEL: "4.15" },
    hideBtf: false,
    live: false,
  });
  if (result.exitCode !== 0)
    throw new Error(`record-filters.sh failed: ${text("stdout")}\n${text("stderr")}`);
  all = events("all");
}, 300_000);

const text = (name: string) => result.files.get(name)?.toString().trimEnd() ?? "";
const lines = (name: string) => text(`${name}.stdout`).split("\n");
/** Those with JSON, in the order of their start. Each sees the LIST that the later ones send at their start. */
const traced = ["all", "command", "set", "uid", "pid", "comm"];
const listsSeenBy = (name: string) => traced.length - 1 - traced.indexOf(name);
const eventsWithLists = (name: string) => parseEvents(text(`${name}.stdout`));
const events = (name: string) => withoutMines(eventsWithLists(name));

function summary(name: string): Summary {
  expect(text(`${name}.exit`)).toBe("0");
  return readSummary(text(`${name}.stderr`));
}

function expectSelection(name: string, isWanted: (event: JsonEvent) => boolean) {
  const wanted = all.filter(isWanted);
  expect(wanted).not.toBeEmpty();
  expect(withoutTimes(events(name))).toEqual(withoutTimes(wanted));
  return eventsWithLists(name).length;
}

test("reports every command without a filter", () => {
  expect(summary("all")).toEqual(complete(all.length + listsSeenBy("all")));
  expect(all.map(({ ipset }) => `${ipset.command} ${ipset.set ?? "-"}`)).toEqual([
    ...["create web-front", "create web-back", "create other"],
    ...["add web-front", "add other", "add web-front", "add web-front", "create web-front"],
    ...["add other", "add other", "create other", "add other"],
    ...["rename web-front", "swap web-back", "rename other", "destroy web4f", "save -", "destroy nowhere"],
  ]);
});

test.each([
  // --set also selects commands on all sets.
  [
    "set",
    ({ ipset: { set = "web-f", new_name = "" } }) => [set, new_name].some((name) => /^web.f/.test(name)),
  ],
  ["uid", ({ user }) => user.id === "1000" || user.audit?.id === "1000"],
  ["pid", ({ process }) => process.pid === Number(text("pid"))],
  ["comm", ({ process, event }) => process.name === "not ipset" && event.outcome === "failure"],
] as [string, (event: JsonEvent) => boolean][])(
  "--%s counts the other commands as filtered, not as lost",
  (name, isWanted) => {
    const seen = expectSelection(name, isWanted);
    expect(summary(name)).toEqual({ ...complete(seen), filtered: all.length + listsSeenBy(name) - seen });
  },
);

test("--command does not even count the other commands", () => {
  const seen = expectSelection("command", ({ ipset }) => ["create", "destroy"].includes(ipset.command));
  expect(summary("command")).toMatchObject({ seen, lost: 0, truncated: 0 });
});

test("--count and --duration end by themselves", () => {
  expect(lines("count")).toHaveLength(5);
  expect(lines("count")[4]).toContain(" - ADD other 10.0.0.9 - SUCCESS");
  expect(summary("count")).toMatchObject({ seen: 5, lost: 0, truncated: 0 });
  expect(summary("duration")).toMatchObject({ lost: 0, truncated: 0 });
});
