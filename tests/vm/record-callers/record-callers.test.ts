// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The callers of commands, and odd names of sets. The test compares mine's report of a caller with the facts that the
// caller has recorded about itself.
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { archOf } from "../../support/architecture.ts";
import { readLossless, readWords } from "../../support/escapes.ts";
import { type JsonEvent, parseEvents, withoutMines } from "../../support/schema.ts";
import { complete, readSummary } from "../../support/stderr.ts";
import { mineFiles } from "../../support/target.ts";
import { bootVm, type VmResult } from "../../support/vm.ts";
import { fetchKernel, findKernel, type Kernel, outsideBtf } from "../kernels.ts";
import { pythonFiles } from "../python.ts";

const root = join(import.meta.dir, "../../..");
const { MINE_VM_KERNEL, MINE_VM_CGROUPS } = process.env;

/** latin1: names need not be UTF-8. */
const names = [
  "white space",
  "it's",
  '"quoted"',
  "back\\slash",
  "\\n",
  "\\x41",
  "\\\\",
  "new\nline) - SUCCESS",
  "tab\tdel\x7f",
  "\x1b[31mred",
  "bidi\xe2\x80\xaex",
  "line\xe2\x80\xa8end",
  "c1\xc2\x85\xc2\x9b31m",
  "caf\xc3\xa9",
  "bad\xff",
  "cut\xc3",
  "\xed\xa0\x80surrogate",
  "\xf0\x9f\x90\xa7",
  "null",
  "<all sets>",
  "1234567890123456789012345678901",
];

interface Machine {
  kernel: Kernel;
  env: { BACKENDS: string; CGROUPS: "unified" | "systemd"; MINE_ASSUME_KERNEL?: string };
}

const ours: Record<string, Machine> = {
  "6.1": {
    kernel: { suite: "bookworm", series: "6.1" },
    env: { BACKENDS: "fexit,kprobe,tracepoint", CGROUPS: "unified" },
  },
  "5.10 as 4.15": {
    kernel: { suite: "bullseye", series: "5.10" },
    env: { BACKENDS: "kprobe,tracepoint", CGROUPS: "systemd", MINE_ASSUME_KERNEL: "4.15" },
  },
  "6.12 on arm64": {
    kernel: { suite: "trixie", series: "6.12", target: "arm64" },
    env: { BACKENDS: "fexit,kprobe,tracepoint", CGROUPS: "unified" },
  },
};
const brought = findKernel("6.1");
/** With MINE_VM_KERNEL, that kernel alone. */
const machines: Record<string, Machine> =
  MINE_VM_KERNEL === undefined
    ? ours
    : {
        [brought.name]: {
          kernel: brought,
          env: { BACKENDS: brought.backends, CGROUPS: MINE_VM_CGROUPS === "systemd" ? "systemd" : "unified" },
        },
      };
const watched = Object.entries(machines).flatMap(([machine, { env }]) =>
  env.BACKENDS.split(",").map((backend): [string, string] => [machine, backend]),
);

let results: Map<string, VmResult>;
let result: VmResult;
let all: JsonEvent[];
/** Those of no other mine. */
let events: JsonEvent[];

beforeAll(async () => {
  const namesPath = join(root, ".output/vm/names");
  mkdirSync(join(root, ".output/vm"), { recursive: true });
  await Bun.write(namesPath, Buffer.from(names.map((name) => `${name}\0`).join(""), "latin1"));
  const files = {
    "/client.py": join(import.meta.dir, "client.py"),
    "/names": namesPath,
    ...outsideBtf(),
  };
  const script = join(import.meta.dir, "guest.sh");
  const boots = Object.entries(machines).map(async ([name, { kernel, env }]): Promise<[string, VmResult]> => {
    const directory = await fetchKernel(kernel);
    const arch = archOf(directory);
    const image = {
      kernel: directory,
      script,
      files: { ...pythonFiles(undefined, arch), ...mineFiles(arch), ...files },
      env: { ...env },
      hideBtf: false,
      live: false,
    };
    return [name, await bootVm(image)];
  });
  results = new Map(await Promise.all(boots));
}, 300_000);

const text = (name: string) => result.files.get(name)?.toString() ?? "";
const number = (name: string) => Number(text(name).match(/\d+/)?.[0]);

function caller(name: string) {
  const lines = text(`callers/${name}`);
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(lines)?.[1] ?? "";
  return { value, events: events.filter(({ process }) => process.pid === Number(value("pid"))) };
}

/** Returns the caller's one event, after a comparison with the facts that the caller recorded. */
function onlyEvent(name: string): JsonEvent {
  const { value, events } = caller(name);
  expect(events).toHaveLength(1);
  const [event] = events as [JsonEvent];
  expect(event.process.thread?.id).toBe(event.process.pid);
  expect(String(event.process.parent?.pid)).toBe(value("ppid"));
  expect(`net:[${event.linux.netns}]`).toBe(value("netns"));
  const unset = "4294967295";
  expect(event.user.audit?.id ?? unset).toBe(value("loginuid"));
  expect(String(event.linux.session_id ?? unset)).toBe(value("sessionid"));
  return event;
}

describe.each(watched)("Linux %s, %s", (machine, backend) => {
  /** Whether mine uses what Linux has since 5.8: it reads paths in the kernel. */
  const isModern = !/^4\.|^5\.[0-7]\.| as 4\.15$/.test(machine);
  const executable = (path: string) => (isModern ? path : undefined);

  beforeAll(() => {
    result = results.get(machine) as VmResult;
    if (result.exitCode !== 0) throw new Error(`it failed: ${text("stdout")}\n${text("stderr")}`);
    all = parseEvents(text(`mine.${backend}.stdout`));
    events = withoutMines(all);
  });

  test("no event is lost, and the one truncated message is counted", () => {
    expect(text(`mine.${backend}.exit`)).toBe("0\n");
    expect(readSummary(text(`mine.${backend}.stderr`))).toEqual({ ...complete(all.length), truncated: 1 });
  });

  test("the first command after boot is one event, although it loads two modules", () => {
    expect(text("modules")).not.toContain("ip_set");
    expect(onlyEvent("first")).toBe(events[0] as JsonEvent);
    expect(events[0]).toMatchObject({
      event: { action: "ipset-create", outcome: "success", type: ["creation"] },
      process: {
        name: "ipset",
        command_line: "ipset create first hash:ip comment",
      },
      user: { id: "0", name: "root" },
      group: { id: "0" },
      ipset: { set: "first", type: "hash:ip", family: "inet" },
      linux: { cgroup_path: "/" },
    });
  });

  test("reports the executable", () => {
    expect(onlyEvent("first").process.executable).toBe(executable("/usr/sbin/ipset"));
  });

  /** Returns the ancestors that the caller saw in /proc: process, start in ticks, and name. */
  const ancestorsOf = (name: string): [number, number, string][] =>
    [...text(`callers/${name}`).matchAll(/^ancestor=(\d+) (\d+) (.*)$/gm)].map(
      ([, pid, ticks, comm = ""]) => [Number(pid), Number(ticks), comm],
    );

  test.each([
    ["first", 2],
    ["deep", 8],
  ])("reports the processes that started the caller %s, with names and starts: %d", (name, count) => {
    const ancestors = ancestorsOf(name);
    expect(Math.min(ancestors.length, 8)).toBe(count);
    const shown: NonNullable<JsonEvent["process"]["parent"]>[] = [];
    for (let at = onlyEvent(name).process.parent; at; at = at.parent) shown.push(at);
    expect(shown.map(({ pid, name }) => [pid, name])).toEqual(
      ancestors.slice(0, 8).map(([pid, , comm]) => [pid, comm]),
    );
    const [now = 0, uptime = 0] = text("boot").split(" ").map(Number);
    for (const [index, { start = "", entity_id }] of shown.entries()) {
      const ticks = ancestors[index]?.[1] ?? Number.NaN;
      const after = Date.parse(start) / 1000 - (now - uptime + ticks / 100);
      expect(after).toBeGreaterThan(-0.1);
      expect(after).toBeLessThan(1.1);
      expect(entity_id).toMatch(/^[\w-]{22}$/);
    }
    expect(new Set(shown.map(({ entity_id }) => entity_id)).size).toBe(shown.length);
  });

  test("gives all commands of a process the same identity, and another process another one", () => {
    const of = (name: string) =>
      new Set(caller(name).events.map(({ process }) => `${process.entity_id} ${process.start}`));
    expect(caller("restore").events.length).toBeGreaterThan(1);
    expect(of("restore").size).toBe(1);
    expect(new Set([...of("restore"), ...of("first"), ...of("login")]).size).toBe(3);
  });

  test("distinguishes the login user from the user who runs the command", () => {
    const event = onlyEvent("login");
    expect(event.user).toEqual({ id: "0", name: "root", audit: { id: "1000", name: "rafaeldtinoco" } });
    expect(event.linux.session_id).toBeGreaterThan(0);
    expect(event.process.command_line).toBe('ipset add first 10.0.0.1 comment "two words"');
  });

  test("reports the container, by its cgroup", () => {
    const event = onlyEvent("container");
    expect(event.container).toEqual({ id: "7".padStart(64, "0"), runtime: "docker" });
    expect(event.linux.cgroup_path).toBe(`/machine.slice/docker-${event.container?.id}.scope`);
    expect(event.linux.cgroup_id).toBe(text("cgroup").trim());
  });

  test("reports the unit of systemd, by its cgroup: a cgroup below it is no unit", () => {
    const event = onlyEvent("service");
    expect(event.linux.cgroup_path).toBe("/system.slice/fail2ban.service/cron.service");
    expect(event.systemd).toEqual({ unit: "fail2ban.service", slice: "system.slice" });
  });

  test("reports the unit of a service that ended before mine read the event", () => {
    const event = onlyEvent("short");
    expect(event.systemd).toEqual(isModern ? { unit: "short.service", slice: "system.slice" } : undefined);
  });

  test("reports a program in another file system with an odd name", () => {
    const { process } = onlyEvent("odd");
    expect(Buffer.from(readLossless(process.name ?? "")).toString()).toBe('we "ird\n');
    expect(process.executable).toBe(executable('/tmp/we "ird\n'));
    const words = readWords(process.command_line ?? "").map((word) => Buffer.from(word).toString());
    expect(words).toEqual(['/tmp/we "ird\n', "add", "first", "10.0.0.3", "comment", ""]);
  });

  test("reports one denied attempt without CAP_NET_ADMIN", () => {
    const denied = {
      event: { action: "ipset-protocol", outcome: "failure" },
      user: { id: "1000", name: "rafaeldtinoco" },
      group: { id: "1000" },
      ipset: { refused: true, error: { name: "EPERM", number: 1 } },
    };
    expect(onlyEvent("denied")).toMatchObject(denied);
    expect(onlyEvent("denied").process.command_line).toBe("/usr/sbin/ipset create denied hash:ip");
    expect(onlyEvent("denied-login")).toMatchObject({
      ...denied,
      user: { ...denied.user, audit: { id: "1000", name: "rafaeldtinoco" } },
    });
  });

  test("reports root in a namespace with its outer user, and its sets with their own network namespace", () => {
    const rootless = onlyEvent("rootless");
    expect(rootless).toMatchObject({
      event: { outcome: "success" },
      user: { id: "1000" },
      group: { id: "1000" },
    });
    expect(onlyEvent("netns")).toMatchObject({ event: { outcome: "success" }, user: { id: "0" } });
    const ours = number("netns");
    expect(onlyEvent("first").linux.netns).toBe(ours);
    // The kernel may give the number of the one to the other, which comes after its end.
    for (const name of ["rootless", "netns"]) expect(onlyEvent(name).linux.netns).not.toBe(ours);
  });

  test("reports names of sets byte by byte", () => {
    const created = events.filter(
      ({ ipset, process }) => ipset.command === "create" && process.command_line?.endsWith(" hash:ip"),
    );
    const sets = created.map(({ ipset }) => Buffer.from(readLossless(ipset.set ?? "")).toString("latin1"));
    expect(sets.slice(-names.length)).toEqual(names);
  });

  test("reports the commands of a client other than ipset", () => {
    const { events } = caller("python");
    const what = events.map(({ event, ipset: { command, set, new_name, elements, options } }) => {
      return [event.outcome, command, set, new_name, ...(options ?? []), ...(elements?.slice(0, 1) ?? [])]
        .filter((word) => word !== undefined)
        .join(" ");
    });
    expect(what).toEqual([
      "success create pyroute2 family inet timeout 5000 comment",
      "success create other family inet",
      'success add pyroute2 10.2.0.1 timeout 60 comment "said \\"so\\"\\n"',
      "success add other 10.2.0.2",
      "success test other 10.2.0.2",
      "success del other 10.2.0.2",
      "success swap pyroute2 other",
      "success rename pyroute2 renamed",
      "success flush renamed",
      "success destroy other",
      "success add renamed 10.3.0.1",
    ]);
    for (const { process } of events) {
      expect(process.command_line).toBe("python3 -I /client.py");
      expect(process.executable).toBe(executable("/usr/bin/python3"));
    }
  });

  test("reports the captured part of an overlong message, and the thread that sent it", () => {
    const [thread, length, error] = text("thread").split(" ").map(Number);
    expect(error).toBe(0);
    const event = caller("python").events.at(-1);
    expect(event?.process.thread?.id).toBe(thread ?? 0);
    expect(thread).not.toBe(event?.process.pid ?? 0);
    expect(event?.ipset.truncated).toEqual({ captured: 16384, length: length ?? 0 });
    const elements = event?.ipset.elements ?? [];
    expect(elements.length).toBeGreaterThan(600);
    expect(elements).toEqual(elements.map((_, at) => `10.3.${(at + 1) >> 8}.${(at + 1) & 255}`));
  });

  test("reports each of five thousand lines of ipset restore once", () => {
    const { events } = caller("restore");
    const lines = events.flatMap(({ ipset: { set, elements = [] } }) => {
      return elements.map((element) => `add ${set} ${element}`);
    });
    expect(lines).toEqual(text("big").trimEnd().split("\n"));
    const counted = events.reduce((sum, { ipset }) => sum + (ipset.element_count ?? 0), 0);
    expect(counted).toBe(5000);
  });
});
