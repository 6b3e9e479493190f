// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Compiles small C programs for tests: BPF objects with clang, host programs with gcc.
// The headers of libbpf come from the build: run make first.
import { existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dir, "../..");
const include = join(root, ".output/lib/include");

function compile(command: string[], source: string, output: string): string {
  if (!existsSync(join(include, "bpf"))) throw new Error(`${include}/bpf is missing: run make first`);
  const { success, stderr } = Bun.spawnSync([...command, "-x", "c", "-", "-o", output], {
    stdin: Buffer.from(source),
  });
  if (!success) throw new Error(`${command[0]} refused a test's program:\n${stderr}`);
  return output;
}

/** Compiles a BPF object. @returns its path, in a new directory below `dir`. */
export function compileBpf(dir: string, source: string, cpu = "v1"): string {
  const multiarch = Bun.spawnSync(["gcc", "-print-multiarch"]).stdout.toString().trim();
  const flags = ["-g", "-O2", "-target", "bpf", `-mcpu=${cpu}`, `-I${include}`];
  const system = ["-idirafter", `/usr/include/${multiarch}`];
  return compile(
    ["clang", ...flags, ...system, "-c"],
    source,
    join(mkdtempSync(join(dir, "bpf-")), "test.o"),
  );
}

/** Compiles a host program. @returns its path, in a new directory below `dir`. */
export function compileC(dir: string, source: string, flags: string[] = []): string {
  const headers = [`-I${include}`, `-I${join(root, "bpf")}`];
  const output = join(mkdtempSync(join(dir, "c-")), "program");
  return compile(["gcc", "-Wall", "-Wextra", "-Werror", ...headers, ...flags], source, output);
}

/** Compiles and runs a host program. @returns its stdout. */
export function runC(dir: string, source: string, args: string[] = []): Buffer {
  const { success, stdout, stderr } = Bun.spawnSync([compileC(dir, source), ...args]);
  if (!success) throw new Error(`a test's program failed: ${stderr}`);
  return stdout;
}

/** Evaluates C expressions with the given headers. @returns numbers by expression. */
export function constantsOfC(dir: string, headers: string[], expressions: string[]): Record<string, number> {
  const includes = headers.map((header) => `#include <${header}>\n`).join("");
  const prints = expressions.map((e) => `printf("%lld\\n", (long long)(${e}));`).join("\n");
  const source = `${includes}#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n${prints}\nreturn 0;\n}\n`;
  const numbers = runC(dir, source).toString().trim().split("\n").map(Number);
  return Object.fromEntries(
    expressions.map((expression, index) => [expression, numbers[index] ?? Number.NaN]),
  );
}
