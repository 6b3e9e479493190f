// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs one binary on every kernel of tests/vm/KERNELS and expects exactly the lines that the workload of ipset commands
// must cause, with every backend. MINE=PATH names another binary than ./mine.
// The test asks the kernel for the chosen backend, not only mine.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { type JsonEvent, parseEvents, withoutMines, withoutTimes } from "../../support/schema.ts";
import { readBackend } from "../../support/stderr.ts";
import { mineFiles, mineFor, type Target } from "../../support/target.ts";
import { bootVm, type VmResult } from "../../support/vm.ts";
import { btfFile, fetchKernel, type Row, readKernels } from "../kernels.ts";
import { expectedLines, readCommands } from "./expect.ts";

const root = join(import.meta.dir, "../../..");
const opensnoop = join(root, ".output/examples/opensnoop");

// Each machine has two processors; more than two machines only slow each other down.
const machinesAtOnce = 2;
const rowTimeoutMs = 15 * 60_000; // counts from the start of the first row

const waiting: (() => void)[] = [];
let running = 0;
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running === machinesAtOnce) await new Promise<void>((go) => waiting.push(go));
  else running++;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

/** Path in the machine of all the kernel's BTF, where mine does not search. */
const FULL_BTF = "/full.btf";
/** The root directory of mine. */
const rootOf = ({ target }: Row): string => (target.endsWith("-musl") ? "/musl" : "");

async function bootRow(row: Row): Promise<VmResult> {
  const kernel = await fetchKernel(row);
  const files = mineFiles(row.target as Target);
  if (runsExample(row)) files["/usr/local/bin/opensnoop"] = opensnoop;
  if (row.btf === "file") Object.assign(files, await btfFile(kernel));
  if (row.btf === "none") files[`${rootOf(row)}${FULL_BTF}`] = Object.values(await btfFile(kernel))[0] ?? "";
  const env = {
    BACKENDS: row.backends,
    KPROBES: row.kprobes,
    EXAMPLE: runsExample(row) ? "yes" : "no",
    FULL_BTF: row.btf === "none" ? FULL_BTF : "",
    ...(row.assume === "-" ? {} : { MINE_ASSUME_KERNEL: row.assume }),
  };
  const script = join(import.meta.dir, "guest.sh");
  return await bootVm(
    { kernel, script, files, env, hideBtf: row.btf !== "sysfs", live: false },
    { memoryMb: 1024 },
  );
}

/**
 * Whether examples/opensnoop works on the kernel, independent of the version that mine must assume: it needs a ring
 * buffer, and BTF from the kernel or a file. It is built for this host alone.
 */
const runsExample = ({ transport, assume, btf, target }: Row): boolean =>
  target === process.arch && btf !== "none" && (transport === "ring" || assume !== "-");

/** Expects that examples/opensnoop reported both files, with the kernel's answers. */
function expectOpens(text: (name: string) => string): void {
  expect(text("opensnoop.exit")).toBe("0");
  const opener = text("opensnoop.opener");
  const opens = text("opensnoop.stdout")
    .split("\n")
    .map((line) => line.split("\t"))
    .filter(([pid, , , path = ""]) => pid === opener && ["/etc/passwd", "/nowhere"].includes(path));
  expect(opens).toEqual([
    [opener, "cat", expect.stringMatching(/^\d+$/), "/etc/passwd"],
    [opener, "cat", "-2", "/nowhere"], // ENOENT
  ]);
}

/** Types of programs, as bpftool names them, by backend. */
const programTypes: Record<string, string> = {
  fexit: "tracing",
  kprobe: "kprobe",
  tracepoint: "raw_tracepoint",
};

/** Returns the part of an event that must be the same for every mine. */
function withoutBackend(event: JsonEvent): Omit<JsonEvent, "mine"> {
  const { mine: _, ...rest } = withoutTimes(event);
  return rest;
}

/** Returns the part of an event that a kernel without BTF has too (docs/old-kernels.md). */
function withoutAbsent(event: JsonEvent): object {
  const { container: _, process: program, linux, ...rest } = withoutBackend(event);
  const { executable: __, ...process } = program;
  const { cgroup_id: ___, cgroup_path: ____, ...others } = linux;
  return { ...rest, process, linux: others };
}

for (const row of readKernels()) {
  test.concurrent(
    `Linux ${row.name}`,
    async () => {
      const { files, exitCode, consoleLog, bootSeconds, totalSeconds } = await inTurn(() => bootRow(row));
      const text = (name: string) => files.get(name)?.toString().trimEnd() ?? "";
      const times = `booted in ${bootSeconds} s, done in ${totalSeconds.toFixed(1)} s`;
      console.error(`Linux ${row.name}: ${times}; mine said\n${text("mine.trace.stderr")}\n`);

      if (exitCode !== 0) throw new Error(`the workload failed: ${text("stdout")}\n${text("stderr")}`);
      const mine = await Bun.file(mineFor(row.target as Target)).bytes();
      const sha256 = new Bun.CryptoHasher("sha256").update(mine).digest("hex");
      expect(text("mine.sha256").split(" ")[0]).toBe(sha256);

      // Each mine also sees how the later ones ask for the sets at their start.
      const lines = text("mine.trace.stdout")
        .split("\n")
        .filter((line) => !line.includes(") mine (pid: "));
      const stamp = /^\((\d{4}\/\d\d\/\d\d_\d\d:\d\d)\) /;
      expect(lines.map((line) => line.replace(stamp, ""))).toEqual(expectedLines(readCommands(files)));
      const minutes = [
        text("first-minute"),
        ...lines.map((line) => stamp.exec(line)?.[1]),
        text("last-minute"),
      ];
      expect(minutes).toEqual(minutes.toSorted());

      expect(text("evidence.maps")).toContain(row.transport === "ring" ? '"ringbuf"' : '"perf_event_array"');
      const [best = "", ...others] = row.backends.split(",");
      expect(text("evidence.programs")).toContain(`"type":"${programTypes[best]}"`);
      expect(text("evidence.kprobe_events") !== "").toBe(best === "kprobe");
      expect(readBackend(text("mine.trace.stderr"))).toBe(best);

      for (const name of ["reloaded.1", "reloaded.2"]) {
        expect(text(name)).toMatch(/^\(.*\) ipset \(pid: \d+\) .* - LIST <all sets> - SUCCESS$/);
      }
      expect(text("metrics")).toContain('\nmine_events_total{command="list",outcome="success"} 2\n');

      const seenBy = (backend: string) => withoutMines(parseEvents(text(`mine.${backend}.stdout`)));
      const events = seenBy(best).map(withoutBackend);
      expect(events).toHaveLength(lines.length);
      for (const backend of [best, ...others]) {
        expect(text(`mine.${backend}.exit`)).toBe("0");
        expect(seenBy(backend).map(({ mine }) => mine.backend)).toEqual(events.map(() => backend));
        expect(seenBy(backend).map(withoutBackend)).toEqual(events);
      }

      if (row.btf === "none") {
        expect(text("mine.full.exit")).toBe("0");
        expect(text("mine.full.stderr")).not.toContain("BTF: none");
        const withBtf = seenBy("full").map(withoutAbsent);
        expect(seenBy(best).map(withoutAbsent)).toEqual(withBtf);
      }

      expect(text("mine.trace.exit")).toBe("0");
      expect(text("mine.terminated.exit")).toBe("0");
      expect(text("mine.terminated.stdout")).toBe("");
      expect(text("after")).toBe(text("before"));
      if (runsExample(row)) expectOpens(text);
      expect(consoleLog).not.toMatch(/BUG:|WARNING: CPU|Oops:/);
    },
    rowTimeoutMs,
  );
}
