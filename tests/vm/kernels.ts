// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the matrix tests/vm/KERNELS, which describes its columns, or the one kernel of MINE_VM_KERNEL.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { archOf } from "../support/architecture.ts";
import { VmError } from "../support/vm-error.ts";

const root = join(import.meta.dir, "../..");
const columns = [
  "name",
  "suite",
  "series",
  "target",
  "btf",
  "assume",
  "kprobes",
  "transport",
  "backends",
] as const;
export type Row = Record<(typeof columns)[number], string>;

/**
 * MINE_VM_KERNEL: a directory with vmlinuz, release (the output of uname -r), lib/modules/RELEASE, arch (x64 or arm64;
 * without this file x64) and, for a kernel without BTF, vmlinux.btf. Every test in a machine then boots that kernel.
 * MINE_VM_BTF=none hides this file.
 * MINE_VM_BACKENDS: its usable backends, the best first.
 */
const OWN_BTF = "vmlinux.btf";
const {
  MINE_VM_KERNEL: outside,
  MINE_VM_BACKENDS: outsideBackends = "kprobe,tracepoint",
  MINE_VM_BTF: outsideBtfKind = outside && existsSync(join(outside, OWN_BTF)) ? "file" : "sysfs",
} = process.env;

const releaseOf = (kernel: string): string => readFileSync(join(kernel, "release"), "utf8").trim();

function outsideRow(kernel: string): Row {
  const release = releaseOf(kernel);
  const [major = 0, minor = 0] = release.split(".").map(Number);
  return {
    name: release,
    suite: "-",
    series: "-",
    target: archOf(kernel),
    btf: outsideBtfKind,
    assume: "-",
    kprobes: "on",
    transport: major > 5 || (major === 5 && minor >= 8) ? "ring" : "perf",
    backends: outsideBackends,
  };
}

/** @returns the row of this name; with MINE_VM_KERNEL always that kernel's row. */
export function findKernel(name: string): Row {
  const rows = readKernels();
  const row = outside === undefined ? rows.find((candidate) => candidate.name === name) : rows[0];
  if (!row) throw new Error(`tests/vm/KERNELS has no row ${name}`);
  return row;
}

export function readKernels(): Row[] {
  if (outside !== undefined) return [outsideRow(outside)];
  const lines = readFileSync(join(import.meta.dir, "KERNELS"), "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const values = line.split(/\s+/);
      if (values.length !== columns.length)
        throw new Error(`tests/vm/KERNELS: not ${columns.length} columns: ${line}`);
      return Object.fromEntries(columns.map((column, index) => [column, values[index]])) as Row;
    });
}

export type Kernel = Pick<Row, "suite" | "series"> & Partial<Pick<Row, "target">>;

/** @returns the directory with a kernel. */
export async function fetchKernel({ suite, series, target = "x64" }: Kernel): Promise<string> {
  if (outside !== undefined) return outside;
  const arch = target.replace("-musl", "");
  const script = join(import.meta.dir, "fetch-kernel.sh");
  const fetching = Bun.spawn([script, suite, series, arch], { stdout: "pipe", stderr: "inherit" });
  const directory = (await fetching.stdout.text()).trim();
  if ((await fetching.exited) === 0) return directory;
  throw new VmError(`there is no kernel ${series} of Debian ${suite} for ${arch}: fetch-kernel.sh says why`);
}

/** @returns the BTF file in MINE_VM_KERNEL: path in the machine → path here. */
export function outsideBtf(): Record<string, string> {
  if (outside === undefined || outsideBtfKind !== "file") return {};
  return { [`/boot/vmlinux-${releaseOf(outside)}`]: join(outside, OWN_BTF) };
}

/** Builds a file with a kernel's BTF, to replace the kernel's own. @returns path in the machine → path here. */
export async function btfFile(kernel: string): Promise<Record<string, string>> {
  const release = releaseOf(kernel);
  const own = join(kernel, OWN_BTF);
  if (kernel === outside && existsSync(own)) return { [`/boot/vmlinux-${release}`]: own };
  const scratch = join(root, ".output/vm");
  const path = join(scratch, `vmlinux-${release}`);
  mkdirSync(scratch, { recursive: true });
  await Bun.$`${root}/scripts/build-btf.sh ${kernel}/vmlinuz --force -o ${path}`.quiet();
  return { [`/boot/vmlinux-${release}`]: path };
}
