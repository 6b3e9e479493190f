// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Compiles mine into one file: Bun's program, the bytecode of src/, the BPF objects and libbpf.so.
//
//   bun scripts/build-binary.ts TARGET OUTPUT FILE [BASE]
//
// TARGET: linux-x64, linux-arm64, linux-x64-musl or linux-arm64-musl
// OUTPUT: the build's directory, with bpf/*.o and lib/libbpf.so for this target
// BASE:   Bun's program for this target; without it, the program that runs this script
import { closeSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import type { BunPlugin } from "bun";

type Target = "linux-x64" | "linux-arm64" | "linux-x64-musl" | "linux-arm64-musl";

/** The e_machine of the ELF header (elf.h) and the dynamic loader of each target. */
const elf: Record<Target, { machine: number; loader: string }> = {
  "linux-x64": { machine: 62, loader: "/lib64/ld-linux-x86-64.so.2" },
  "linux-arm64": { machine: 183, loader: "/lib/ld-linux-aarch64.so.1" },
  "linux-x64-musl": { machine: 62, loader: "/lib/ld-musl-x86_64.so.1" },
  "linux-arm64-musl": { machine: 183, loader: "/lib/ld-musl-aarch64.so.1" },
};

const isTarget = (name: string | undefined): name is Target => name !== undefined && name in elf;

/** Bun takes any file as a base. A program for another machine would be found out on that machine only. */
function checkBase(path: string, target: Target): void {
  const start = Buffer.alloc(64 * 1024);
  const fd = openSync(path, "r");
  readSync(fd, start);
  closeSync(fd);
  const { machine, loader } = elf[target];
  const isElf = start.readUInt32BE(0) === 0x7f454c46;
  if (isElf && start.readUInt16LE(18) === machine && start.includes(`\0${loader}\0`)) return;
  fail(`${path} is no program for ${target}`, `remove it, and make fetches the right one`);
}

function fail(problem: string, hint: string): never {
  console.error(`build-binary.ts: ${problem}\nbuild-binary.ts: ${hint}`);
  process.exit(1);
}

/** The imports of embedded files name this machine's. Another target has its own files. */
function embeddedFiles(output: string): BunPlugin {
  return {
    name: "embedded files",
    setup({ onResolve }) {
      onResolve({ filter: /\.bpf\.o$/ }, ({ path }) => ({
        path: resolve(output, "bpf", path.slice(path.lastIndexOf("/") + 1)),
      }));
      onResolve({ filter: /\/libbpf\.so$/ }, () => ({ path: resolve(output, "lib/libbpf.so") }));
    },
  };
}

const [target, output, file, base] = Bun.argv.slice(2);
if (!isTarget(target) || !output || !file) {
  fail(
    "usage: bun scripts/build-binary.ts TARGET OUTPUT FILE [BASE]",
    `targets: ${Object.keys(elf).join(" ")}`,
  );
}
checkBase(base ?? process.execPath, target);

const { success, logs } = await Bun.build({
  entrypoints: ["src/engine.ts"],
  plugins: [embeddedFiles(output)],
  minify: true,
  format: "esm",
  bytecode: true, // parsing took half of the start time
  splitting: true, // modules that engine.ts imports at its end are not loaded earlier
  compile: {
    target: `bun-${target}`,
    executablePath: resolve(base ?? process.execPath),
    outfile: file,
    // Otherwise the binary reads bunfig.toml and .env of the current directory. As root it then executes code
    // and takes environment variables from there.
    autoloadDotenv: false,
    autoloadBunfig: false,
    execArgv: ["--smol"], // the garbage collector runs before the heap grows to tens of megabytes
  },
  throw: false,
});
for (const log of logs) console.error(String(log));
if (!success) process.exit(1);
