// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs one script in one test machine that has mine, and reads its results.
import { join } from "node:path";
import { bootVm, type Machine } from "../support/vm.ts";
import { VmError } from "../support/vm-error.ts";
import { fetchKernel, outsideBtf, type Row } from "./kernels.ts";

const { MINE: mine = join(import.meta.dir, "../../mine") } = process.env;

export interface Session {
  exitCode: number;
  /** Reads a file in /results, without its trailing line ends; empty if it is missing. */
  text: (name: string) => string;
}

interface Needs {
  /** Programs of this host that the script calls, besides those of every test machine; placed in /usr/local/bin. */
  programs?: readonly string[];
  env?: Record<string, string>;
  /** Additional files: path in the machine → path here. */
  files?: Record<string, string>;
  machine?: Partial<Machine>;
}

/** @param script path of the script, relative to this directory. */
export async function runSession(
  script: string,
  kernel: Pick<Row, "suite" | "series">,
  { programs = [], env = {}, files = {}, machine = {} }: Needs = {},
): Promise<Session> {
  const image = {
    kernel: await fetchKernel(kernel),
    script: join(import.meta.dir, script),
    files: {
      "/usr/local/bin/mine": mine,
      ...outsideBtf(),
      ...Object.fromEntries(programs.map(placed)),
      ...files,
    },
    env,
    hideBtf: false,
    live: false,
  };
  const { exitCode, files: results } = await bootVm(image, machine);
  return { exitCode, text: (name) => results.get(name)?.toString().trimEnd() ?? "" };
}

function placed(program: string): [path: string, source: string] {
  const source = Bun.which(program);
  if (!source) throw new VmError(`the test machine needs ${program}`);
  return [`/usr/local/bin/${program}`, source];
}
