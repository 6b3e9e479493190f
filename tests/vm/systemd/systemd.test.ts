// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// mine as a service of systemd, by the unit of its packages: when it is ready, what it reports, and its watchdog. Another
// service changes sets, started by a timer.
import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type JsonEvent, parseEvents, parseRunRecords } from "../../support/schema.ts";
import { readSummary } from "../../support/stderr.ts";
import { runSession, type Session } from "../session.ts";
import { systemdFiles } from "./systemd.ts";

/** Addresses that are added while journald restarts. */
const LOAD = 200;
/**
 * Commands of the second run: those of blocker.service, the CREATE of the loaded set, its ADDs and FLUSH, and the LIST of
 * another mine.
 */
const SEEN = 3 + 1 + LOAD + 2;
/** How often mine gets SIGKILL. */
const KILLS = 20;
let session: Session;
let events: JsonEvent[];

/** Returns the properties that systemctl showed. */
const properties = (name: string): Record<string, string> =>
  Object.fromEntries(
    session
      .text(name)
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );

const numbers = (name: string): number[] => session.text(name).split("\n").map(Number);

/** Fields of an entry of the journal. */
type Entry = Record<(typeof fields)[number] | "OBJECT_PID" | "MESSAGE" | "MINE_SEEN" | "MINE_LOST", string>;
const fields = [
  "IPSET_COMMAND",
  "IPSET_OUTCOME",
  "PRIORITY",
  "IPSET_PARENT_COMM",
  "IPSET_SYSTEMD_UNIT",
] as const;

/** Returns the entries that journalctl printed. */
const entries = (name: string): Entry[] =>
  session
    .text(name)
    .split("\n")
    .map((line) => JSON.parse(line));

beforeAll(async () => {
  session = await runSession(
    "systemd/guest.sh",
    { suite: "trixie", series: "6.12" },
    {
      files: {
        ...systemdFiles(),
        "/usr/local/bin/blocker": join(import.meta.dir, "blocker.sh"),
      },
      env: { LOAD: String(LOAD), KILLS: String(KILLS) },
      machine: { memoryMb: 1024, timeoutSeconds: 400 },
    },
  );
  if (session.exitCode !== 0)
    throw new Error(`it failed: ${session.text("stdout")}\n${session.text("stderr")}`);
  events = parseEvents(session.text("mine.jsonl"));
}, 500_000);

test("mine install puts its files below /usr/local, and mine uninstall removes all", () => {
  expect(session.text("installed").split("\n")).toContain("/usr/local/lib/systemd/system/mine.service");
  expect(session.text("left")).toBe("");
});

test("systemctl start returns when mine is ready", () => {
  expect(properties("started")).toMatchObject({ ActiveState: "active", NRestarts: "0", Result: "success" });
});

test("each command of the service has its unit, its process and systemd itself", () => {
  const pids = numbers("blocker.pids");
  expect(pids).toHaveLength(2);
  for (const pid of pids) {
    const of = events.filter(({ process }) => process.parent?.pid === pid);
    expect(of.map(({ ipset }) => ipset.command)).toEqual(["create", "add", "del"]);
    for (const { process, systemd } of of) {
      expect(process.parent).toMatchObject({ name: "blocker", parent: { pid: 1, name: "systemd" } });
      expect(systemd).toEqual({ unit: "blocker.service", slice: "system.slice" });
    }
  }
});

test("journalctl finds the commands by the set, with their outcome, process and unit", () => {
  const found = entries("blocklist.json");
  expect(found.map((entry) => fields.map((field) => entry[field]))).toEqual(
    [1, 2].flatMap(() => [
      ["CREATE", "success", "6", "blocker", "blocker.service"],
      ["ADD", "success", "6", "blocker", "blocker.service"],
      ["DEL", "failure", "4", "blocker", "blocker.service"],
    ]),
  );
  expect(found.map((entry) => Number(entry.OBJECT_PID))).toEqual(numbers("ipset.pids"));
  expect(found[1]?.MESSAGE).toMatch(
    /^ipset \(pid: \d+\) .* by blocker\[\d+\] < systemd\[1\] - ADD blocklist 192\.0\.2\.1 -exist - SUCCESS$/,
  );
  expect(entries("failures.json").map((entry) => entry.IPSET_COMMAND)).toEqual(["DEL", "DEL"]);
});

test("while journald restarts, every command is in the journal or counted as lost", () => {
  const added = entries("load.json").filter((entry) => entry.IPSET_COMMAND === "ADD");
  const addresses = added.map((entry) => / - ADD load (\S+) - SUCCESS$/.exec(entry.MESSAGE)?.[1]);
  expect(new Set(addresses).size).toBe(added.length);
  const { seen, lost } = readSummary(session.text("journal.summary"));
  expect(added.length + lost).toBe(LOAD);
  // The mine that starts again lists the sets.
  expect(seen + lost).toBe(numbers("ipset.pids").length + 1 + LOAD + 1);
});

test("the record shows where the first run ended, and the sets at the start of the second one", () => {
  const records = parseRunRecords(session.text("mine.jsonl"));
  const ofBlocklist = { set: "blocklist", type: "hash:ip", element_count: 1 };
  expect(
    records.map(({ event, mine, ipset }) => ({ ...mine, ...ipset, action: event.action })),
  ).toMatchObject([
    { action: "mine-start", set_records: 0 },
    // The watchdog killed it.
    { action: "mine-start", set_records: 1 },
    { action: "mine-set", ...ofBlocklist },
    { action: "mine-end", seen: SEEN, lost: 0 },
  ]);
});

test("the journal has the start and the end of the run, with its counts", () => {
  const [start, end] = entries("run.json");
  expect(start?.MESSAGE).toMatch(/^mine \S+ started: kernel 6\.12\S+, backend fexit, sets: 0$/);
  const { seen, lost } = readSummary(session.text("journal.summary"));
  expect(end).toMatchObject({ MINE_SEEN: String(seen), MINE_LOST: String(lost) });
});

test("journald reads what mine writes to /dev/log", () => {
  const found = entries("syslog.json");
  expect(found.map(({ PRIORITY }) => PRIORITY)).toEqual(["6", "6", "6", "6", "6"]);
  expect(found[0]?.MESSAGE).toMatch(/^mine \S+ started: /);
  expect(found.slice(1, 3).map(({ MESSAGE }) => MESSAGE.split(":")[0])).toEqual([
    "set blocklist",
    "set load",
  ]);
  expect(found[3]?.MESSAGE).toMatch(/^ipset \(pid: \d+\) .* - FLUSH load - SUCCESS$/);
  expect(found[4]?.MESSAGE).toStartWith("mine ended: 1 events seen, 0 lost");
});

test("a mine that stands still is ended by the watchdog, and started again", () => {
  expect(properties("restarted")).toMatchObject({ ActiveState: "active", NRestarts: "1" });
  expect(session.text("journal")).toContain("Watchdog timeout");
});

test("the record is readable for root and its group alone", () => {
  expect(session.text("files")).toMatch(/^-rw-r----- .* 0 +0 +[1-9]\d* .* events\.jsonl$/m);
});

test("systemctl reload opens the record by its path again", () => {
  expect(properties("reloaded")).toMatchObject({ ActiveState: "active", NRestarts: "1" });
  expect(session.text("files")).toMatch(/ events\.jsonl\.1$/m);
});

test("it ends without an error, and its messages are in the journal", () => {
  expect(properties("stopped")).toMatchObject({ ActiveState: "inactive", Result: "success" });
  expect(session.text("journal")).toMatch(/^Backend: fexit$/m);
  expect(session.text("journal")).toMatch(new RegExp(`^${SEEN} events seen, 0 lost, 0 truncated`, "m"));
});

describe(`after ${KILLS} SIGKILLs`, () => {
  /** A command, as its number, or the number of elements in the set when mine started again. */
  type Step = { added: number } | { atStart: number };

  /** Reads the record. A killed mine can leave a half line, which the next one ends. */
  function steps(): Step[] {
    const lines = session.text("killed.jsonl").split("\n");
    return lines.flatMap((line, index): Step[] => {
      if (!line.endsWith("}") && lines[index + 1]?.includes('"mine-start"')) return [];
      const [event] = parseEvents(line);
      const [record] = parseRunRecords(line);
      if (event?.ipset.set === "killed" && event.ipset.command === "add") {
        const [, a = 0, b = 0, c = 0] = (event.ipset.elements?.[0] ?? "").split(".").map(Number);
        return [{ added: a * 65536 + b * 256 + c }];
      }
      if (record?.ipset?.set === "killed") return [{ atStart: record.ipset.element_count ?? Number.NaN }];
      return [];
    });
  }

  test("the metrics of the last run have its commands", () => {
    const run = session.text("killed.jsonl").split('"mine-start"').at(-1) ?? "";
    const added = run.split('"command":"add"').length - 1;
    expect(added).toBeGreaterThan(0);
    expect(session.text("metrics").split("\n")).toContain(
      `mine_events_total{command="add",outcome="success"} ${added}`,
    );
  });

  test("the record holds every command, or shows that it is missing", () => {
    const sent = Number(session.text("killed.sent"));
    const recorded: number[] = [];
    let starts = 0;
    /** The record shows all commands up to this one: by their own lines, or by the elements at a start. */
    let known = 0;
    for (const step of steps()) {
      if ("atStart" in step) {
        starts += 1;
        known = Math.max(known, step.atStart);
      } else {
        recorded.push(step.added);
        expect(step.added).toBeLessThanOrEqual(known + 1); // within a run no command is missing
        known = Math.max(known, step.added);
      }
    }
    console.error(`${sent} commands, ${sent - recorded.length} of them while no mine ran`);
    expect({ starts, known }).toEqual({ starts: KILLS + 1, known: sent });
    expect(recorded).toEqual([...new Set(recorded)].toSorted((a, b) => a - b));
    expect(recorded.length).toBeGreaterThan(KILLS);
  });
});
