// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The programs behind ipset: a timer's script, fail2ban with its own action, a container of podman, and users after a
// login. The kernel's audit records the same processes: it is the witness of each fact that both have.
import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type JsonEvent, parseEvents } from "../../support/schema.ts";
import { runSession, type Session } from "../session.ts";
import { systemdFiles } from "../systemd/systemd.ts";
import { serviceFiles } from "./services.ts";

/** Number of an unset login or session in a record of audit. */
const UNSET = "4294967295";

let session: Session;
/** Commands in the record of mine. */
let events: JsonEvent[];
let executions: Execution[];

beforeAll(async () => {
  session = await runSession(
    "services/guest.sh",
    { suite: "trixie", series: "6.12" },
    {
      files: {
        ...systemdFiles(),
        ...serviceFiles(),
        "/usr/local/bin/blocker": join(import.meta.dir, "../systemd/blocker.sh"),
      },
      machine: { memoryMb: 1024, timeoutSeconds: 300 },
    },
  );
  if (session.exitCode !== 0)
    throw new Error(`it failed: ${session.text("stdout")}\n${session.text("stderr")}`);
  events = parseEvents(session.text("record.jsonl"));
  executions = readExecutions(session.text("executions")).filter(({ comm }) => comm === "ipset");
}, 400_000);

/** The execution of a program, as audit records it. */
type Execution = Record<"pid" | "ppid" | "auid" | "uid" | "gid" | "ses" | "comm" | "exe", string> & {
  arguments: string[];
};

/** Reads the records of audit: SYSCALL has the process, EXECVE the arguments. Both have the number of the event. */
function readExecutions(text: string): Execution[] {
  const byEvent = Map.groupBy(text.split("\n"), (line) => /msg=audit\((\S+)\)/.exec(line)?.[1]);
  return [...byEvent.values()].flatMap((lines) => {
    const process = fieldsOf(lines.find((line) => line.startsWith("type=SYSCALL ")));
    const { argc, ...words } = fieldsOf(lines.find((line) => line.startsWith("type=EXECVE ")));
    if (argc === undefined) return [];
    const args = Array.from({ length: Number(argc) }, (_, index) => words[`a${index}`] ?? "");
    return [{ ...process, arguments: args } as Execution];
  });
}

const fieldsOf = (line = ""): Record<string, string> =>
  Object.fromEntries(
    [...line.matchAll(/ (\w+)=(?:"([^"]*)"|(\S+))/g)].map(([, name, quoted, bare]) => [name, quoted ?? bare]),
  );

test("each ipset command has the process and the login that audit records", () => {
  const commands = events.filter(({ process }) => process.name === "ipset");
  const known = commands.map(({ process, user, group, linux }) => ({
    pid: String(process.pid),
    ppid: String(process.parent?.pid),
    auid: user.audit?.id ?? UNSET,
    uid: user.id,
    gid: group.id,
    ses: String(linux.session_id ?? UNSET),
    comm: process.name,
    exe: process.executable,
    arguments: process.command_line?.split(" "),
  }));
  const recorded = executions.map(({ pid, ppid, auid, uid, gid, ses, comm, exe, arguments: args }) => ({
    ...{ pid, ppid, auid, uid, gid, ses, comm, exe },
    arguments: args,
  }));
  const byPid = (a: { pid: string }, b: { pid: string }): number => Number(a.pid) - Number(b.pid);
  expect(known.toSorted(byPid)).toEqual(recorded.toSorted(byPid));
});

test("a login keeps its user and session when it becomes root, as in audit", () => {
  const logins = executions.filter(({ auid }) => auid !== UNSET);
  expect(logins.map(({ auid, uid }) => [auid, uid])).toEqual([
    ["1000", "1000"],
    ["1000", "0"],
  ]);
  expect(new Set(logins.map(({ ses }) => ses)).size).toBe(2);
  const entries = entriesOf("visited");
  expect(entries.map((entry) => [entry.IPSET_LOGIN_UID, entry.IPSET_UID])).toEqual(
    logins.map(({ auid, uid }) => [auid, uid]),
  );
});

/** Fields of an entry of the journal. */
type Entry = Record<
  "MESSAGE" | "OBJECT_PID" | "IPSET_PARENT_COMM" | "IPSET_SYSTEMD_UNIT" | "IPSET_UID",
  string
> &
  Partial<Record<"IPSET_LOGIN_UID" | "IPSET_CONTAINER_ID", string>>;

/** Returns the entries about a set that journalctl found. */
const entriesOf = (set: string): Entry[] =>
  session
    .text(`${set}.json`)
    .split("\n")
    .map((line) => JSON.parse(line));

interface Caller {
  unit: string;
  slice: string;
  /** Names of the ancestors, but for shells. */
  ancestors: string[];
  container?: { id: string; runtime: string };
}

/** The caller by the set that it changes. */
const callers: [set: string, caller: () => Caller][] = [
  [
    "blocklist",
    () => ({ unit: "blocker.service", slice: "system.slice", ancestors: ["blocker", "systemd"] }),
  ],
  [
    "f2b-sshd",
    () => ({ unit: "fail2ban.service", slice: "system.slice", ancestors: ["fail2ban-server", "systemd"] }),
  ],
  [
    "contained",
    () => {
      const id = session.text("container.id");
      return {
        unit: `libpod-${id}.scope`,
        slice: "machine.slice",
        ancestors: ["busybox", "conmon", "systemd"],
        container: { id, runtime: "podman" },
      };
    },
  ],
];

describe.each(callers)("the caller that changes %s", (set, callerOf) => {
  /** Its commands, in the record of mine. */
  const commands = (): JsonEvent[] => events.filter(({ ipset }) => ipset.set === set);

  test("is in JSON: its unit, its ancestors, its container", () => {
    const { unit, slice, ancestors, container } = callerOf();
    for (const event of commands()) {
      expect(event.systemd).toEqual({ unit, slice });
      expect(namesOf(event.process.parent).filter((name) => name !== "sh")).toEqual(ancestors);
      expect(event.container).toEqual(container);
    }
  });

  test("is in the journal, by the set", () => {
    const { unit, ancestors, container } = callerOf();
    const entries = entriesOf(set);
    expect(entries.map((entry) => [Number(entry.OBJECT_PID), entry.IPSET_PARENT_COMM])).toEqual(
      commands().map(({ process }) => [process.pid, process.parent?.name ?? ""]),
    );
    for (const entry of entries) {
      expect(entry.IPSET_SYSTEMD_UNIT).toBe(unit);
      expect(entry.IPSET_CONTAINER_ID).toBe(container?.id);
      const names = / by (.*?) - /
        .exec(entry.MESSAGE)?.[1]
        ?.replace(/\[\d+\]/g, "")
        .split(" < ");
      expect(names?.filter((name) => name !== "sh")).toEqual(ancestors);
    }
  });
});

/** Returns the names of a process and its ancestors. */
const namesOf = (process: JsonEvent["process"]["parent"]): (string | undefined)[] =>
  process ? [process.name, ...namesOf(process.parent)] : [];

test("fail2ban creates its set, bans, unbans and removes the set", () => {
  const pid = Number(session.text("fail2ban.pid"));
  const commands = events.filter(({ ipset }) => ipset.set === "f2b-sshd");
  const names = commands.map(({ ipset }) => ipset.command);
  expect(names.filter((name) => name !== "flush")).toEqual(["create", "add", "del", "destroy"]);
  for (const { process } of commands) {
    expect([process.parent?.pid, process.parent?.parent?.pid]).toContain(pid);
  }
});

test("the metrics count the commands of all callers", () => {
  const counts = Map.groupBy(events, ({ ipset, event }) => `${ipset.command} ${event.outcome}`);
  const expected = [...counts].map(([labels, { length }]) => `${labels} ${length}`);
  const samples = session
    .text("metrics")
    .matchAll(/^mine_events_total\{command="(.*)",outcome="(.*)"\} (\d+)$/gm);
  const shown = [...samples].map(([, command, outcome, count]) => `${command} ${outcome} ${count}`);
  expect(shown.filter((line) => !line.endsWith(" 0")).toSorted()).toEqual(expected.toSorted());
});
