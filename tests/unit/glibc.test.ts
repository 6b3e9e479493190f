// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The shipped files need no symbol newer than glibc 2.17, and scripts/check-glibc.sh finds a newer one.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileC, root } from "../support/compile.ts";

const library = join(root, ".output/lib/libbpf.so");
const binary = join(root, "mine");

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "glibc-test-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function check(...files: string[]) {
  const { exitCode, stderr } = Bun.spawnSync([join(root, "scripts/check-glibc.sh"), ...files]);
  return { exitCode, stderr: stderr.toString() };
}

function needed(file: string): string[] {
  const { stdout } = Bun.spawnSync(["readelf", "--dynamic", "--wide", file], { env: { LC_ALL: "C" } });
  return [...stdout.toString().matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = ""]) => name);
}

/** Compiles a library that needs only the symbols of its body, so that the C library here does not matter. */
const bare = (body: string, flags: string[] = []): string =>
  compileC(dir, `#define _GNU_SOURCE\n#include <stdio.h>\n#include <sys/mman.h>\n${body}`, [
    "-shared",
    "-fPIC",
    ...flags,
  ]);
const puts = "int use(void) { return puts(__func__); }";
const memfd = "int use(void) { return memfd_create(__func__, 0); }";
const fmem = "void *use(void) { return fmemopen(NULL, 1, __func__); }";

test("the binary and the library need no glibc newer than 2.17", () => {
  expect(check(binary, library)).toEqual({ exitCode: 0, stderr: "" });
});

test("the library needs only the C library", () => {
  // The dynamic loader is part of the C library: it provides thread-local storage.
  expect(needed(library).filter((name) => !name.startsWith("ld-linux"))).toEqual(["libc.so.6"]);
});

test("the binary needs only parts of the C library", () => {
  const parts = /^(libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1|ld-linux-.*)$/;
  expect(needed(binary).filter((name) => !parts.test(name))).toEqual([]);
});

test("the check accepts a library that an old glibc can load", () => {
  expect(check(bare(puts))).toEqual({ exitCode: 0, stderr: "" });
});

test.each([
  ["memfd_create", "GLIBC_2.27", memfd],
  ["fmemopen", "GLIBC_2.22", fmem],
])("the check refuses %s@%s", (symbol, version, body) => {
  const { exitCode, stderr } = check(bare(puts), bare(body));
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`needs ${version}, newer than glibc 2.17, for: ${symbol}\n`);
});

test("the check refuses a version that no symbol carries", () => {
  const relocated = `${puts} static int number; int *address = &number;`;
  const { exitCode, stderr } = check(bare(relocated, ["-Wl,-z,pack-relative-relocs", "-Wl,-z,now"]));
  expect(stderr).toMatch(/needs GLIBC_ABI_DT_RELR/);
  expect(exitCode).toBe(1);
});

test("the check refuses a file without glibc versions", () => {
  const { exitCode, stderr } = check(join(root, "Makefile"));
  expect(stderr).toContain("no glibc version found");
  expect(exitCode).toBe(1);
});
