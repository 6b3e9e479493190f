// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Tests the tracepoint backend on this host, in new network namespaces. The reported outcome of each command must
// equal the kernel's answer to its sender.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { canTraceHere, Host, type Run } from "../support/host.ts";
import { type JsonEvent, parseEvents } from "../support/schema.ts";
import { readSummary } from "../support/stderr.ts";

const senders = join(import.meta.dir, "odd-senders.py");
const isHere = canTraceHere("tracepoint.test.ts");

/** Command, with the kernel's answer to odd-senders.py; null if the answer is hidden from this backend. */
interface Truth {
  set: string | null;
  command: string;
  outcome: number | null;
}

const readTruth = (output: string): Truth[] =>
  (JSON.parse(output) as (Truth & { hidden: boolean })[]).map(({ set, command, outcome, hidden }) => ({
    set,
    command,
    outcome: hidden ? null : outcome,
  }));
const isOfRow = ({ set }: Truth): boolean => set?.startsWith("row") ?? false;

let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(() => host[Symbol.dispose]());

interface Watched extends Run {
  /** Number of events of the whole host. */
  all: number;
  events: JsonEvent[];
  /** stdout of the watched command. */
  output: string;
}

/**
 * Runs a command in a new network namespace while mine traces.
 * @returns the events of that namespace, because other programs of this host may use ipset during the test.
 */
async function watch(command: string[], env: Record<string, string> = {}): Promise<Watched> {
  using namespace = await NetworkNamespace.create();
  let output = "";
  const run = await host.run(["--backend", "tracepoint", "-o", "json"], { env }, () => {
    const { success, stdout, stderr } = Bun.spawnSync(["nsenter", `--net=${namespace.path}`, ...command]);
    if (!success) throw new Error(`${command.join(" ")} failed: ${stderr}`);
    output = stdout.toString();
  });
  expect(run).toMatchObject({ exitCode: 0 });
  const events = parseEvents(run.stdout);
  return {
    ...run,
    output,
    all: events.length,
    events: events.filter(({ linux }) => linux.netns === namespace.inode),
  };
}

/** Network namespace, held by an idle process. The kernel would give the inode of a freed one to the next one. */
class NetworkNamespace implements Disposable {
  readonly path: string;
  readonly #holder: Bun.Subprocess;

  private constructor(holder: Bun.Subprocess) {
    this.#holder = holder;
    this.path = `/proc/${holder.pid}/ns/net`;
  }

  static async create(): Promise<NetworkNamespace> {
    const holder = Bun.spawn(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"]);
    await holder.stdout.getReader().read(); // the namespace exists
    return new NetworkNamespace(holder);
  }

  get inode(): number {
    return statSync(this.path).ino;
  }

  [Symbol.dispose](): void {
    this.#holder.kill("SIGKILL");
  }
}

const told = ({ event, ipset }: JsonEvent): Truth => ({
  set: ipset.set ?? null,
  command: ipset.command,
  outcome: event.outcome === "unknown" ? null : (ipset.error?.number ?? 0),
});

describe.skipIf(!isHere).each<[flavour: string, assume: string, reportedAtOnce: number[]]>([
  ["modern", "", [200, 50]],
  ["legacy", "4.15", [24, 7]],
])("the %s object", (_, assume, reportedAtOnce) => {
  const env = { MINE_ASSUME_KERNEL: assume };

  test("sees a message sent in any way, with the kernel's answer", async () => {
    const { events, output, stderr, all } = await watch(["/usr/bin/python3", senders], env);
    const sent = readTruth(output);
    // The kernel frees the request of an unread dump shortly after its socket is closed.
    const isLate = ({ set, command }: Truth): boolean => command === "save" || set === "behind-a-dump";
    const truth = sent.filter((one) => !isLate(one));
    const end = truth.findIndex(isOfRow);
    const seen = events.map(told).filter((one) => !isLate(one));
    expect(events.map(told).filter(isLate)).toEqual(sent.filter(isLate));
    // An answer that another thread receives may have left the queue before it arrives. The outcome is then unknown,
    // never wrong.
    const raced = seen.filter(({ set, outcome }) => set?.startsWith("recv") && outcome === null);
    for (const one of raced) one.outcome = truth[seen.indexOf(one)]?.outcome ?? null;
    expect(seen.slice(0, end)).toEqual(truth.slice(0, end));
    expect(raced.length).toBeLessThan(40);

    // The backend reports the first messages of each datagram.
    const row = seen.slice(end);
    const isBehind = ({ set }: Truth): boolean => set?.startsWith("row-behind") ?? false;
    const rows = [row.filter((one) => !isBehind(one)), row.filter(isBehind)];
    const whole = truth.slice(end);
    expect(rows[0]).toEqual(whole.slice(0, rows[0]?.length));
    expect(rows[1]).toEqual(whole.filter(isBehind).slice(0, rows[1]?.length));
    expect(rows.map(({ length }) => length)).toEqual(reportedAtOnce);
    // The summary counts the whole host, with commands of other programs.
    const unseen = truth.length - seen.length;
    const { causes } = readSummary(stderr);
    expect(Object.keys(causes).filter((cause) => cause !== "unreported")).toEqual([]);
    const { unreported: lost = 0 } = causes;
    if (all === events.length) expect(lost).toBe(unseen);
    else expect(lost).toBeGreaterThanOrEqual(unseen);
  });

  test("sees denied commands, and never reports them as success", async () => {
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const { events, output } = await watch([...nobody, "/usr/bin/python3", senders], env);
    expect(events.map(told)).toEqual(readTruth(output));
    expect(events.map(({ ipset }) => ipset.refused)).toEqual([true, true]);
  });

  test("agrees with ipset(8), and names the failed element of a batch", async () => {
    const script = `
      said() { if "$@" 2>/dev/null >/dev/null; then echo success; else echo failure; fi; }
      restore() { printf "$1" | ipset restore; }
      said ipset create a hash:ip; said ipset add a 10.0.0.1; said ipset add a 10.0.0.1
      said ipset -exist add a 10.0.0.1; said ipset del a 10.0.0.7; said ipset create b hash:ip
      said ipset swap a b; said ipset rename a c; said ipset create c hash:ip; said ipset destroy nope
      said restore "add b 10.0.0.2\\nadd b 10.0.0.3\\nadd b 10.0.0.1\\nadd b 10.0.0.4\\n"
      said restore "del b 10.0.0.2\\ndel b 10.0.0.2\\n"
      said ipset list; said ipset save b; said ipset list nope; said ipset flush; said ipset destroy`;
    const { events, output } = await watch(["sh", "-c", script], env);
    expect(events.map(({ event }) => event.outcome)).toEqual(output.trim().split("\n") as never);
    expect(events.flatMap(({ ipset }) => ipset.failed_element ?? [])).toEqual([2, 1]);
    expect(
      events.every(({ mine, process }) => mine.backend === "tracepoint" && process.name === "ipset"),
    ).toBe(true);
  });
});

describe.skipIf(!isHere)("the tracepoint backend", () => {
  test("needs no mounted tracefs, and leaves no visible mount", async () => {
    const hidden = "umount -q /sys/kernel/tracing /sys/kernel/debug; exec ./mine --backend tracepoint";
    let mounts: string | undefined;
    const through = ["unshare", "--mount", "sh", "-c", hidden];
    const { exitCode } = await host.run([], { through }, (pid) => {
      mounts = readFileSync(`/proc/${pid}/mounts`, "utf8");
    });
    expect(exitCode).toBe(0);
    expect(mounts).toContain(" /proc ");
    expect(mounts).not.toContain("tracefs");
  });
});
