// Runs every kind of test, goes on after a failure, and ends with one line that counts what really ran.
// The trap: a skipped test has shown nothing, so it counts as failed.

import process from "node:process";

interface Stage {
  name: string;
  command: string[];
  /** A `bun test`, whose own count is taken; anything else is one check. */
  isSuite: boolean;
}

const bun = process.execPath;
const check = (name: string, ...command: string[]): Stage => ({ name, command, isSuite: false });
// The timeout is for machines under load: what takes seconds here may take a minute there.
const suite = (name: string): Stage => ({
  name,
  command: [bun, "test", "--timeout", "60000", `tests/${name}/`],
  isSuite: true,
});

const shellScripts = [
  ...new Bun.Glob("{scripts,lib,bench,tests/vm,tests/vm/*,tests/fixtures/messages}/*.sh").scanSync(),
].sort();

const stages: Stage[] = [
  check("types", "node_modules/.bin/tsc", "--project", "."),
  check("lint", "node_modules/.bin/biome", "check", "--error-on-warnings"),
  check("shell", "shellcheck", ...shellScripts, ".ci/run"),
  suite("unit"),
  suite("host"),
  suite("vm"),
];

interface Count {
  passed: number;
  failed: number;
}

async function run({ name, command, isSuite }: Stage): Promise<Count> {
  console.log(`\n=== ${name}`);
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "inherit", stderr: "pipe" });
  let report = "";
  for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
    process.stderr.write(chunk);
    report += chunk;
  }
  const succeeded = (await child.exited) === 0;
  if (!isSuite) return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1 };
  const passed = counted(report, "pass");
  const failed = counted(report, "fail") + counted(report, "skip") + counted(report, "todo");
  // A suite that ended badly without a failed test did not run to its end.
  return { passed, failed: failed === 0 && (!succeeded || passed === 0) ? 1 : failed };
}

/** Bun's closing lines: " 12 pass", " 0 fail", " 1 skip". */
function counted(report: string, what: string): number {
  return [...report.matchAll(new RegExp(`^ *(\\d+) ${what}$`, "gm"))].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
}

const names = process.argv.slice(2);
const total: Count = { passed: 0, failed: 0 };
for (const stage of stages.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const { passed, failed } = await run(stage);
  total.passed += passed;
  total.failed += failed;
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
