// make bench: measures mine and what it is compared with in one machine, and mine alone on this host; prints
// tables, and writes .output/bench.json and, when nothing but the defaults was asked for, docs/benchmarks.md.
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

/** What git calls what is measured; the document that the run before wrote is no part of it. */
async function checkedOut(): Promise<string> {
  const name = (await Bun.$`git describe --always`.cwd(root).text()).trim();
  const { exitCode } = await Bun.$`git diff --quiet HEAD -- . ${`:(exclude)${docPath}`}`.cwd(root).nothrow();
  return exitCode === 0 ? name : `${name}-dirty`;
}

/** On this host as it is, in a network namespace of its own. */
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

\`${command}\`, ${date.slice(0, 10)}, mine ${version}. ${rounds} rounds, in each of them every tool once. The flood is
${adds} single ADDs as fast as one sender can send them (\`bench/flooder.c\`); the restore is
\`ipset restore\` of ${restore} elements; idle is
what happens in ${idleSeconds} s without a command.

## Targets

Of what was measured side by side, below. A sender's slowdown is the processor time that it needs more than with
nobody watching. What costs time, and where the limits are: [performance.md](performance.md).

${verdicts(now, before)}

## Side by side

Linux ${kernel}, a virtual machine with ${processors} processor${processors === 1 ? "" : "s"}, emulated. ${
    countsInstructions
      ? `Its clock counts
instructions, one a nanosecond: times are comparable with each other, the same on every host, and not those of a
real processor.`
      : `Its time is that
of the emulator.`
  } Medians (least–most).

${measurements(machine)}

${ratios(machine, "c-plain")}

${ratios(machine, "bpftrace")}

${failures(machine)}

* \`c-plain\` is \`bench/reference.c\`: libbpf, a kprobe and a kretprobe per handler, a perf buffer of 16 pages,
  a \`printf()\` per event, each line written at once. It is the reference. \`c-tuned\` is the same program when it
  remembers the last user's name and lets stdio gather lines, which then come late.
* \`bpftrace\` and \`bcc\` run \`reference.bt\` and \`reference.py\`, with the defaults of both for everything.
* All three show one line per command; of an \`ipset restore\` they show its messages, mine shows the elements.
* Start to tracing ends with the first of the commands, one per millisecond and of seven kinds, after which the
  tool missed none.
* The sender's processor time is what auditing costs the audited: on one processor the time until all were sent
  holds the tool's own work too, and most of it for mine, which comes first (nice -10) and so loses nothing. An event
  that is lost for want of room costs the sender less than one that is not.
* Resident at most is VmHWM over the whole life, processor time that of all threads and children, in user space
  and in the kernel.

## On this host

Linux ${hostKernel}, without a virtual machine. Real time, and whatever else the host did.

${measurements(host)}

${failures(host)}
`.replaceAll(/\n{3,}/g, "\n\n");
}
