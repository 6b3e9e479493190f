// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Follows docs/writing-your-own.md in an empty directory: writes its files, and runs its commands. The tool must report
// the programs that this test executes.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../support/compile.ts";

const BUILD_MS = 5 * 60_000;

interface Block {
  language: string;
  file: string | undefined;
  isTool: boolean;
  text: string;
}

const page = readFileSync(join(root, "docs/writing-your-own.md"), "utf8");
const blocks: Block[] = [...page.matchAll(/^```(\w+)(?: file=(\S+)| (run))?\n(.*?)^```$/gms)].map(
  ([, language = "", file, run, text = ""]) => ({ language, file, isTool: run !== undefined, text }),
);

let directory: string;
let tarball: string;
let env: Record<string, string | undefined>;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "writing-your-own-"));
  expect(await Bun.spawn(["make", "--no-print-directory", "package"], { cwd: root }).exited).toBe(0);
  const [name = ""] = readdirSync(join(root, ".output")).filter((file) => /^bun-libbpf-.*\.tgz$/.test(file));
  tarball = join(root, ".output", name);
  const { PATH } = process.env;
  env = { ...process.env, PACKAGE: tarball, PATH: `${join(root, "node_modules/.bin")}:${PATH}:/usr/sbin` };
}, BUILD_MS);
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs the tool until it reports a program of this name. Returns its lines, as three columns. */
async function linesOf(command: string, name: string): Promise<string[][]> {
  const tool = Bun.spawn(["bash", "-c", `exec ${command}`], {
    cwd: directory,
    env,
    stdout: "pipe",
    stderr: "pipe",
  });
  let stderr = "";
  for await (const chunk of tool.stderr.pipeThrough(new TextDecoderStream())) {
    stderr += chunk;
    if (stderr.includes("Tracing")) break;
  }
  expect(stderr).toContain("Tracing");
  writeFileSync(join(directory, name), "#!/bin/sh\n", { mode: 0o755 });
  await Bun.spawn([join(directory, name)]).exited;
  let stdout = "";
  for await (const chunk of tool.stdout.pipeThrough(new TextDecoderStream())) {
    stdout += chunk;
    if (stdout.includes(name)) break;
  }
  tool.kill("SIGINT");
  expect(await tool.exited).toBe(0);
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
}

test(
  "the tool of the page reports executed programs",
  async () => {
    let runs = 0;
    for (const { language, file, isTool, text } of blocks) {
      if (file !== undefined) writeFileSync(join(directory, file), text);
      else if (isTool) {
        runs += 1;
        const name = `run-me-${runs}`;
        const reported = (await linesOf(text.trim(), name)).filter(([, , comm]) => comm === name);
        expect(reported.map(([pid, ppid]) => [Number(pid) > 0, Number(ppid)])).toEqual([[true, process.pid]]);
      } else {
        expect(language).toBe("sh");
        const step = Bun.spawn(["bash", "-euc", text], {
          cwd: directory,
          env,
          stdout: "inherit",
          stderr: "inherit",
        });
        expect(await step.exited).toBe(0);
      }
    }
    expect(runs).toBe(2);
    expect(blocks.filter(({ file }) => file !== undefined).length).toBe(2);
  },
  BUILD_MS,
);

test("the package has its library, headers and licences, and no file of mine", () => {
  const { stdout } = Bun.spawnSync(["tar", "-tzf", tarball]);
  const files = stdout
    .toString()
    .trim()
    .split("\n")
    .map((file) => file.replace("package/", ""));
  for (const file of [
    "index.ts",
    "libbpf.so",
    "include/bpf/bpf_helpers.h",
    "README.md",
    "NOTICE",
    "LICENSE.GPL-2.0",
  ])
    expect(files).toContain(file);
  expect(files.filter((file) => /ipset|mine/.test(file))).toEqual([]);
});
