// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs every kind of test, goes on after a failure, and ends with one line that counts the tests that ran.
// A skipped test has shown nothing, so it counts as failed.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import process from "node:process";

const reports = ".output/reports";

interface Stage {
  name: string;
  command: string[];
  /** File with the report of a `bun test`, in the form of JUnit; undefined for a command that is one check. */
  report: string | undefined;
}

interface Count {
  passed: number;
  failed: number;
}

const bun = process.execPath;
const check = (name: string, ...command: string[]): Stage => ({ name, command, report: undefined });
/** The timeout is for machines under load: a test of seconds may take a minute there. */
function suite(name: string): Stage {
  const report = `${reports}/${name}.xml`;
  const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
  return { name, command: [bun, "test", "--timeout", "60000", ...reporter, `tests/${name}/`], report };
}

const files = (pattern: string): string[] => [...new Bun.Glob(pattern).scanSync()].sort();
const shellScripts = files(
  "{scripts,lib,bench,packaging,tests/support,tests/vm,tests/vm/*,tests/fixtures/messages}/*.sh",
);
const cSources = files("{bpf,lib,bench,examples,examples/bcc,tests/fixtures,tests/support}/*.{c,h}");

const stages: Stage[] = [
  check("types", "node_modules/.bin/tsc", "--project", "."),
  check("lint", "node_modules/.bin/biome", "check", "--error-on-warnings"),
  check("format", "clang-format", "--dry-run", "--Werror", ...cSources),
  check("shell", "shellcheck", ...shellScripts, ".ci/run"),
  suite("unit"),
  suite("host"),
  suite("vm"),
];

async function run({ name, command, report }: Stage): Promise<Count> {
  console.log(`\n=== ${name}`);
  if (report !== undefined) rmSync(report, { force: true });
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "inherit", stderr: "inherit" });
  const hasSucceeded = (await child.exited) === 0;
  if (report === undefined) return { passed: hasSucceeded ? 1 : 0, failed: hasSucceeded ? 0 : 1 };
  const { passed, failed } = readReport(report);
  // A suite that ended badly without a failed test did not run to its end.
  return { passed, failed: failed === 0 && (!hasSucceeded || passed === 0) ? 1 : failed };
}

/** Reads the counts of the whole report: <testsuites tests="12" failures="1" skipped="0">. */
function readReport(path: string): Count {
  const [line = ""] = /<testsuites [^>]*>/.exec(readOrEmpty(path)) ?? [];
  const number = (name: string): number => Number(new RegExp(` ${name}="(\\d+)"`).exec(line)?.[1] ?? 0);
  const failed = number("failures") + number("skipped");
  return { passed: number("tests") - failed, failed };
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

mkdirSync(reports, { recursive: true });
const names = process.argv.slice(2);
const total: Count = { passed: 0, failed: 0 };
for (const stage of stages.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const { passed, failed } = await run(stage);
  total.passed += passed;
  total.failed += failed;
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
