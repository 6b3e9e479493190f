// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Builds for other machines fail early, with one line and a hint.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const { PATH: searchPath } = process.env;
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "targets-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function run(command: string[], env: Record<string, string> = {}) {
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: root, env: { ...process.env, ...env } });
  return { exitCode, stderr: stderr.toString() };
}

test.each(["linux-arm64", "linux-x64-musl", "linux-arm64-musl"])(
  "the build refuses this machine's Bun as the base for %s",
  (target) => {
    const base = process.execPath;
    const output = join(dir, "mine");
    expect(run([base, "scripts/build-binary.ts", target, ".output", output, base])).toEqual({
      exitCode: 1,
      stderr:
        `build-binary.ts: ${base} is no program for ${target}\n` +
        "build-binary.ts: remove it, and make fetches the right one\n",
    });
  },
);

test("the build refuses a base that is no program", () => {
  const base = join(dir, "page.html");
  writeFileSync(base, "<html>not found</html>");
  const { exitCode, stderr } = run([
    process.execPath,
    "scripts/build-binary.ts",
    "linux-x64",
    ".output",
    "x",
    base,
  ]);
  expect(exitCode).toBe(1);
  expect(stderr).toStartWith(`build-binary.ts: ${base} is no program for linux-x64\n`);
});

test("a base needs the checksum of package-lock.json", () => {
  const { version } = require("bun/package.json");
  const path = join(dir, "bun", `bun-linux-aarch64-${version}.tgz`);
  mkdirSync(join(dir, "bun"));
  writeFileSync(path, "not this");
  // A program called npm that fetches the same bytes again.
  mkdirSync(join(dir, "bin"));
  writeFileSync(join(dir, "bin/npm"), `#!/bin/sh\ncp '${path}' "$4"/copy.tgz\n`, { mode: 0o755 });
  const env = { MINE_CACHE: dir, PATH: `${join(dir, "bin")}:${searchPath}` };
  const { exitCode, stderr } = run(["scripts/fetch-bun.sh", "linux-arm64", join(dir, "base")], env);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`${path} does not have the checksum of package-lock.json: sha512-`);
});

test("make names the machines that it knows", () => {
  expect(run(["make", "ARCH=sparc", "mine"]).stderr).toContain("ARCH=sparc: mine runs on x64 and arm64");
  expect(run(["make", "LIBC=uclibc", "mine"]).stderr).toContain("LIBC=uclibc: mine runs with glibc and musl");
});

test("without the cross compiler the build names the packages", () => {
  // No sudo and no apt-get: programs of the build alone are in this PATH.
  const bin = join(dir, "no-cross");
  mkdirSync(bin);
  const { exitCode, stderr } = run(["/bin/bash", "scripts/setup.sh", "build", "arm64"], { PATH: bin });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("gcc-aarch64-linux-gnu");
  expect(stderr).toMatch(/install them, for instance: sudo apt-get install .*gcc-aarch64-linux-gnu/);
});
