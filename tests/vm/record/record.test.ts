// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// One machine executes and records commands; another replays them from the record alone. Both must end with the same
// sets. mine must report each element word by word as `ipset save` prints it.
import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type JsonEvent, type JsonRunRecord, parseEvents, parseRunRecords } from "../../support/schema.ts";
import { complete, readSummary } from "../../support/stderr.ts";
import { bootVm, type VmResult } from "../../support/vm.ts";
import { fetchKernel, readKernels } from "../kernels.ts";
import { elementsDone, elementWords, replay } from "./replay.ts";
import { LOOSE, workload } from "./workload.ts";

const root = join(import.meta.dir, "../../..");
const { MINE: mine = join(root, "mine") } = process.env;
const scratch = join(root, ".output/vm");

/** Rows of KERNELS: one for each kind of event buffer, and no more than the machines that may run at once. */
const rows = {
  "6.12": { initval: true, bitmask: true },
  "5.10-as-4.15": { initval: false, bitmask: false },
};
const rowTimeoutMs = 10 * 60_000;

async function run(rowName: string, commands: string[], withMine: boolean): Promise<VmResult> {
  const row = readKernels().find(({ name }) => name === rowName);
  if (!row) throw new Error(`tests/vm/KERNELS has no row ${rowName}`);
  mkdirSync(scratch, { recursive: true });
  const path = join(scratch, `commands.${rowName}.${withMine ? "recorded" : "replayed"}`);
  await Bun.write(path, Buffer.from(`${commands.join("\n")}\n`, "latin1"));
  const result = await bootVm({
    kernel: await fetchKernel(row),
    script: join(import.meta.dir, "guest.sh"),
    files: {
      "/commands": path,
      "/etc/protocols": "/etc/protocols",
      "/etc/services": "/etc/services",
      ...(withMine ? { "/usr/local/bin/mine": mine } : {}),
    },
    env: row.assume === "-" ? {} : { MINE_ASSUME_KERNEL: row.assume },
    hideBtf: false,
    live: false,
  });
  if (result.exitCode !== 0) {
    throw new Error(`record.sh failed: ${result.files.get("stdout")}\n${result.files.get("stderr")}`);
  }
  return result;
}

for (const [row, kernelHas] of Object.entries(rows)) {
  test.concurrent(
    `Linux ${row}`,
    async () => {
      const original = await run(row, workload(kernelHas), true);
      const text = (name: string) => original.files.get(name)?.toString() ?? "";
      const events = parseEvents(text("mine.stdout"));
      const originallySaved = savedLines(original);
      expect(text("mine.exit")).toBe("0\n");
      expect(readSummary(text("mine.stderr"))).toEqual(complete(events.length));
      expect(events.filter(({ ipset }) => "malformed" in ipset || "unknown_attributes" in ipset)).toEqual([]);

      const saved = strict(savedElements(originallySaved));
      expect(saved.length).toBeGreaterThan(70);
      expect(strict(recordedElements(events))).toEqual(saved);

      const snapshot = parseRunRecords(text("snapshot"));
      const sets = snapshot.filter(({ event }) => event.action === "mine-set").map(({ ipset }) => ipset);
      expect(snapshot[0]?.mine.set_records).toBe(sets.length);
      const listed = rounded(replay(sets.flatMap(asCommands)));
      expect(options(listed)).toEqual(options(originallySaved));
      expect(sortedSets(savedElements(listed))).toEqual(sortedSets(savedElements(originallySaved)));
      const counted = sets
        .filter((set) => set?.type !== undefined)
        .map((set) => [set?.set, set?.element_count]);
      expect(counted).toEqual(
        [...savedElements(originallySaved)].map(([name, { length }]) => [name, length]),
      );

      const again = await run(row, replay(events), false);
      expect(sorted(savedLines(again))).toEqual(sorted(originallySaved));
      const seconds = [original, again].map(({ totalSeconds }) => `${totalSeconds.toFixed(1)} s`);
      console.error(`Linux ${row}: ${events.length} events, ${seconds.join(" and ")}`);
    },
    rowTimeoutMs,
  );
}

/** Returns the lines of `ipset save`. */
function savedLines({ files }: VmResult): string[] {
  const text = files.get("saved")?.toString("latin1") ?? "";
  return rounded(text.trimEnd().split("\n"));
}

/** Timeouts of elements count down; all original ones are multiples of 1000. */
const rounded = (lines: string[]): string[] =>
  lines.map((line) => {
    if (line.startsWith("create ")) return line;
    return line.replace(/(?<= timeout )\d+/, (left) => String(Math.ceil(Number(left) / 1000) * 1000));
  });

/** Returns the commands that make a recorded set. */
function asCommands(set: JsonRunRecord["ipset"]): Pick<JsonEvent, "event" | "ipset">[] {
  const { type, elements, options = [], set: name = "" } = set ?? {};
  const event: JsonEvent["event"] = { kind: "", category: [], type: [], action: "", outcome: "success" };
  return [
    ...(type === undefined ? [] : [{ event, ipset: { command: "create", set: name, type, options } }]),
    ...(elements ? [{ event, ipset: { command: "add", set: name, elements } }] : []),
  ];
}

/** Sorts elements where the kernel keeps no order: only a list of sets has one. */
function sorted(lines: string[]): string[] {
  const sets: string[][] = [];
  for (const line of lines) {
    if (line.startsWith("create ")) sets.push([line]);
    else sets.at(-1)?.push(line);
  }
  return sets.flatMap(([create = "", ...elements]) => {
    return [create, ...(/^create \S+ list:set/.test(create) ? elements : elements.sort())];
  });
}

/** Elements by set, each as its words. */
type Sets = Map<string, string[][]>;

function savedElements(lines: string[]): Sets {
  const sets: Sets = new Map();
  for (const line of lines) {
    const [command, name = "", ...element] = [...line.matchAll(/"([^"]*)"|\S+/g)].map(
      ([word, inside]) => inside ?? word,
    );
    if (command === "create") sets.set(name, []);
    else sets.get(name)?.push(element);
  }
  return sets;
}

/** Returns the elements that the events imply: a model of the kernel that knows only names and words. */
function recordedElements(events: JsonEvent[]): Sets {
  let sets = new Map<string, Map<string, string[]>>();
  for (const recorded of events) {
    const { event, ipset } = recorded;
    const { command, set = "", new_name: other = "" } = ipset;
    const here = sets.get(set) ?? new Map();
    const there = sets.get(other) ?? new Map();
    for (const element of elementsDone(recorded).map(elementWords)) {
      if (command === "add") here.set(element[0], element);
      if (command === "del") here.delete(element[0]);
    }
    if (event.outcome !== "success") continue;
    if (command === "create" && !sets.has(set)) sets.set(set, here);
    if (command === "flush") here.clear();
    if (command === "destroy") sets.delete(set);
    if (command === "swap") sets = new Map([...sets, [set, there], [other, here]]);
    if (command === "rename") {
      sets.delete(set);
      sets.set(other, here);
    }
  }
  return new Map([...sets].map(([name, elements]) => [name, [...elements.values()]]));
}

/** Returns the words of each set's CREATE. `ipset save` does not print forceadd, and some words in another order. */
const options = (lines: string[]): string[][] =>
  lines
    .filter((line) => line.startsWith("create "))
    .map((line) => line.replace(" forceadd", "").split(" ").sort());

/** Omits the sets that the kernel prints in other words than were typed. */
const strict = (sets: Sets) => sortedSets(new Map([...sets].filter(([name]) => !name.endsWith(LOOSE))));

const sortedSets = (sets: Sets): [string, string[][]][] =>
  [...sets].map(([name, elements]): [string, string[][]] => [name, elements.sort()]).sort();
