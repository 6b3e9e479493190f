// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// make bench: measures mine and the references in one test machine, and mine alone on this host. Prints tables and
// writes .output/bench.json. With default sizes it also writes docs/benchmarks.md.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { measureEnvironment, measureInMachine, mine, programs } from "./machine.ts";
import { failures, measurements, ratios, verdicts } from "./report.ts";
import { type Results, readResults } from "./results.ts";
import { areUsual, type Sizes, sizes } from "./sizes.ts";
import { judge, type Verdict } from "./targets.ts";

interface Report {
  date: string;
  version: string;
  sizes: Sizes;
  kernel: string;
  machine: Results;
  hostKernel: string;
  host: Results;
  verdicts: Verdict[];
}

const root = join(import.meta.dir, "..");
const jsonPath = join(root, ".output/bench.json");
const docPath = join(root, "docs/benchmarks.md");

const help = await Bun.$`${mine} --help`.text();
const rungs = help.includes("--backend") ? ["mine-fexit", "mine-kprobe", "mine-tracepoint"] : [];
const tools = ["none", "c-plain", "c-tuned", "bpftrace", "bcc", "mine", ...rungs];

const report = await measure();
const before = earlierVerdicts();
await Bun.write(jsonPath, `${JSON.stringify(report, null, 2)}\n`);
const document = describe(report);
console.log(document);
if (areUsual) await Bun.write(docPath, document);
else console.log(`${docPath} is left alone: it is for the default sizes`);

async function measure(): Promise<Report> {
  const host = await measureHere(["none", "mine", ...rungs]);
  const { kernel, results } = await measureInMachine(tools, sizes);
  const machine = readResults(results, "bench", tools, sizes);
  return {
    date: new Date().toISOString(),
    version: await checkedOut(),
    sizes,
    kernel,
    machine,
    hostKernel: release(),
    host,
    verdicts: judge(machine, sizes),
  };
}

/** Returns the version that git gives the measured tree, without the document that the last run wrote. */
async function checkedOut(): Promise<string> {
  const name = (await Bun.$`git describe --always`.cwd(root).text()).trim();
  const { exitCode } = await Bun.$`git diff --quiet HEAD -- . ${`:(exclude)${docPath}`}`.cwd(root).nothrow();
  return exitCode === 0 ? name : `${name}-dirty`;
}

/** Measures on this host, in a network namespace of its own. */
async function measureHere(tools: string[]): Promise<Results> {
  const directory = mkdtempSync(join(tmpdir(), "mine-bench-"));
  try {
    const env = { BENCH_BIN: programs, BENCH_MINE: mine, BENCH_RESULTS: directory };
    await Bun.$`unshare -n ${import.meta.dir}/measure.sh`.env({
      ...process.env,
      ...measureEnvironment(tools, sizes),
      ...env,
    });
    const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
    const files = names.filter((name) => statSync(join(directory, name)).isFile());
    const contents = new Map(files.map((name) => [`bench/${name}`, readFileSync(join(directory, name))]));
    return readResults(contents, "bench", tools, sizes);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function earlierVerdicts(): Verdict[] | undefined {
  if (!existsSync(jsonPath)) return undefined;
  const earlier: Report = JSON.parse(readFileSync(jsonPath, "utf8"));
  return JSON.stringify(earlier.sizes) === JSON.stringify(sizes) ? earlier.verdicts : undefined;
}

function describe({ date, version, kernel, machine, hostKernel, host, verdicts: now }: Report): string {
  const { rounds, adds, restore, idleSeconds, processors, countsInstructions } = sizes;
  const asked = Object.entries(process.env).filter(([name]) => name.startsWith("BENCH_"));
  const command = ["make bench", ...asked.map(([name, value]) => `${name}=${value}`)].join(" ");
  return `# Benchmarks

\`${command}\`, ${date.slice(0, 10)}, mine ${version}. Each of ${rounds} rounds runs every tool once.

* The flood is ${adds} single ADDs, as fast as one sender can send them (\`bench/flooder.c\`).
* The restore is \`ipset restore\` of ${restore} elements.
* Idle is a time of ${idleSeconds} s without a command.

## Targets

The targets are for the measurements side by side, below. A sender's slowdown is the additional processor time that it
needs while a tool runs. [performance.md](performance.md) says where the time goes.

${verdicts(now, before)}

## Side by side

Linux ${kernel}, a virtual machine with ${processors} processor${processors === 1 ? "" : "s"}, emulated. ${
    countsInstructions
      ? `Its clock counts
instructions, one a nanosecond. So times compare with each other and are the same on every host. They are not those of
a real processor.`
      : `Its time is that
of the emulator.`
  } Medians (min–max).

${measurements(machine)}

${ratios(machine, "c-plain")}

${ratios(machine, "bpftrace")}

${failures(machine)}

* \`c-plain\` is \`bench/reference.c\`: libbpf, a kprobe and a kretprobe per handler, a perf buffer of 16
* pages,
  a \`printf()\` per event, each line written at once. It is the reference.
* \`c-tuned\` is the same program, but it remembers the last user's name, and stdio gathers its lines, which
* come late. \`bpftrace\` and \`bcc\` run \`reference.bt\` and \`reference.py\`, with the defaults of both for
* everything. These tools show one line per message. An \`ipset restore\` has few messages with many elements;
* mine shows the elements. Start to tracing: commands of seven kinds come, one per millisecond. The start ends
* with the first one after which
  the tool missed none.
* The sender's processor time is the cost for the audited program. On one processor, the time until all were
* sent also
  has work of the tool itself. Most work of mine is in that time, because it runs first (nice -10) and so loses nothing.
* An event that is lost in a full buffer costs the sender less than another one.
* Resident at most is VmHWM over the whole life. Processor time is that of all threads and children, in user
* space and
  in the kernel.

## On this host

Linux ${hostKernel}, without a virtual machine. Time is real, and includes other work of the host.

${measurements(host)}

${failures(host)}
`.replaceAll(/\n{3,}/g, "\n\n");
}
