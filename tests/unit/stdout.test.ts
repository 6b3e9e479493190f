// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Lines on their way out of the process, through real pipes: the writer runs in a process of its own.
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const script = join(import.meta.dir, "../fixtures/write-lines.ts");
/** Far more than a pipe holds (64 KiB). */
const COUNT = 40_000;
const lines = Array.from({ length: COUNT }, (_, number) => `line ${number} é\n`).join("");

interface Report {
  isClosed: boolean;
  isNonblocking: boolean;
  elapsedMs: number;
  failure: string;
}

/** Runs the writer with its stdout led elsewhere: "$0" "$1" COUNT MODE <redirection>. */
async function write(mode: string, redirection: string): Promise<{ stdout: string; report: Report }> {
  const child = Bun.spawn(
    ["sh", "-c", `"$0" "$1" ${COUNT} ${mode} ${redirection}`, process.execPath, script],
    { stdout: "pipe", stderr: "pipe" },
  );
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { stdout, report: JSON.parse(stderr) as Report };
}

test("every line arrives, in order", async () => {
  const { stdout, report } = await write("block", "| cat");
  expect(stdout === lines).toBe(true);
  expect(report).toMatchObject({ isClosed: false, isNonblocking: false, failure: "" });
});

test("a full pipe that does not block is waited for, and nothing is lost", async () => {
  const { stdout, report } = await write("nonblock", `| { read -r first; sleep 0.3; echo "$first"; cat; }`);
  expect(stdout === lines).toBe(true);
  expect(report).toMatchObject({ isClosed: false, isNonblocking: true, failure: "" });
  expect(report.elapsedMs).toBeGreaterThan(290); // it did wait
});

test.each(["block", "nonblock"])("a reader that goes away is a quiet end (%s)", async (mode) => {
  const { stdout, report } = await write(mode, "| head -n 2");
  expect(stdout).toBe("line 0 é\nline 1 é\n");
  expect(report).toMatchObject({ isClosed: true, failure: "" });
});

test("a reader that goes away while it is waited for is a quiet end too", async () => {
  const { stdout, report } = await write("nonblock", "| { read -r first; sleep 0.2; }");
  expect(stdout).toBe("");
  expect(report).toMatchObject({ isClosed: true, failure: "" });
  expect(report.elapsedMs).toBeGreaterThan(190);
});

describe("a file that is appended to", () => {
  const append = async (before: string) => {
    const file = join(mkdtempSync(join(tmpdir(), "stdout-test-")), "lines");
    await Bun.write(file, before);
    const { report } = await write("block", `>> ${file}`);
    expect(report).toMatchObject({ isClosed: false, failure: "" });
    const text = await Bun.file(file).text();
    rmSync(dirname(file), { recursive: true });
    return text;
  };

  test.each(["", "whole\n", "\n"])("keeps %j, and gets the lines", async (before) => {
    expect((await append(before)) === before + lines).toBe(true);
  });

  test.each(["half", "whole\nhalf"])(
    "that ends with the half line of %j gets its end first",
    async (before) => {
      expect((await append(before)) === `${before}\n${lines}`).toBe(true);
    },
  );
});

test("a full disk is an error that says so", async () => {
  const { report } = await write("block", "> /dev/full");
  expect(report.isClosed).toBe(false);
  expect(report.failure).toContain("ENOSPC");
});
