// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs one script in one test machine that has mine, and reads its results.
import { join } from "node:path";
import { archOf } from "../support/architecture.ts";
import { mineFiles, type Target } from "../support/target.ts";
import { bootVm, type Machine } from "../support/vm.ts";
import { fetchKernel, type Kernel, outsideBtf } from "./kernels.ts";

export interface Session {
  exitCode: number;
  /** Reads a file in /results, without its trailing line ends; empty if it is missing. */
  text: (name: string) => string;
}

interface Needs {
  /** Programs that the script calls, besides those of every test machine; placed in /usr/local/bin. */
  programs?: readonly string[];
  env?: Record<string, string>;
  /** Additional files: path in the machine → path here. */
  files?: Record<string, string>;
  machine?: Partial<Machine>;
}

/** @param script path of the script, relative to this directory. */
export async function runSession(
  script: string,
  kernel: Kernel,
  { programs = [], env = {}, files = {}, machine = {} }: Needs = {},
): Promise<Session> {
  const directory = await fetchKernel(kernel);
  const image = {
    kernel: directory,
    script: join(import.meta.dir, script),
    files: {
      ...mineFiles((kernel.target as Target | undefined) ?? archOf(directory)),
      ...outsideBtf(),
      ...files,
    },
    programs,
    env,
    hideBtf: false,
    live: false,
  };
  const { exitCode, files: results } = await bootVm(image, machine);
  return { exitCode, text: (name) => results.get(name)?.toString().trimEnd() ?? "" };
}
