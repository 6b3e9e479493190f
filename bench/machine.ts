// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The test machine of the bench. All compared programs are in its memory, so that no disk is measured.
// Under plain emulation a program's first run is translated, which takes far longer than the run itself, and other work
// of this host is measured too. With -icount the machine's clock counts instructions, one a nanosecond. With one
// processor no process is billed for another's work.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { bootVm } from "../tests/support/vm.ts";
import { fetchKernel } from "../tests/vm/kernels.ts";
import type { Sizes } from "./sizes.ts";

const here = import.meta.dir;
const root = join(here, "..");
export const programs = join(root, ".output/bench");
export const { MINE: mine = join(root, "mine") } = process.env;
const memoryMb = 3072;
const timeoutSeconds = 6 * 3600;

const python = "usr/lib/python3.11";
const libraries = "/usr/lib/x86_64-linux-gnu"; // of those that programs load by name
const pythonLibraries = join("/", python, "lib-dynload");

/** @returns the result files of measure.sh, by path, and the kernel's release. */
export async function measureInMachine(tools: readonly string[], sizes: Sizes) {
  const directory = await fetchKernel(sizes);
  const kernel = (await Bun.file(join(directory, "release")).text()).trim();
  const archive = join(programs, "root.tar");
  const headers = (await Bun.$`${here}/fetch-headers.sh ${sizes.suite} ${kernel}`.text()).trim();
  await Bun.$`tar -cf ${archive} -C / ${python} usr/lib/python3/dist-packages/bcc -C ${headers} usr lib`.quiet();

  const files: Record<string, string> = {
    "/bench/root.tar": archive,
    "/bench/mine": mine,
    "/usr/bin/bpftrace": "/usr/bin/bpftrace",
    "/usr/bin/python3": "/usr/bin/python3",
  };
  for (const name of ["libbcc.so.0", "librt.so.1"]) files[join(libraries, name)] = join(libraries, name);
  for (const name of ["reference", "flooder", "prober", "stopwatch"])
    files[`/bench/${name}`] = join(programs, name);
  for (const name of ["reference.bt", "reference.py", "measure.sh"])
    files[`/bench/${name}`] = join(here, name);
  // The archive holds these modules too; here they bring the libraries that they need.
  for (const name of readdirSync(pythonLibraries))
    files[join(pythonLibraries, name)] = join(pythonLibraries, name);

  const { exitCode, files: results } = await bootVm(
    {
      kernel: directory,
      script: join(here, "machine.sh"),
      files,
      env: {
        ...measureEnvironment(tools, sizes),
        BENCH_BIN: "/bench",
        BENCH_MINE: "/bench/mine",
        BENCH_RESULTS: "/results/bench",
      },
      hideBtf: false,
      live: true,
    },
    {
      memoryMb,
      processors: sizes.processors,
      timeoutSeconds,
      options: sizes.countsInstructions ? ["-icount", "shift=0,sleep=off"] : [],
    },
  );
  if (exitCode !== 0) throw new Error("measure.sh failed in the machine: the end of its output says why");
  return { kernel, results };
}

export function measureEnvironment(tools: readonly string[], sizes: Sizes): Record<string, string> {
  return {
    BENCH_TOOLS: tools.join(" "),
    BENCH_ROUNDS: String(sizes.rounds),
    BENCH_ADDS: String(sizes.adds),
    BENCH_RESTORE: String(sizes.restore),
    BENCH_IDLE: String(sizes.idleSeconds),
  };
}
