// Reads the matrix tests/vm/KERNELS, which says what each column means.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { VmError } from "../support/vm-error.ts";

const root = join(import.meta.dir, "../..");
const columns = ["name", "suite", "series", "btf", "assume", "kprobes", "transport", "backends"] as const;
export type Row = Record<(typeof columns)[number], string>;

export function readKernels(): Row[] {
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

/** Directory with the kernel of a row. */
export async function fetchKernel(row: Pick<Row, "suite" | "series">): Promise<string> {
  const script = join(import.meta.dir, "fetch-kernel.sh");
  const fetching = Bun.spawn([script, row.suite, row.series], { stdout: "pipe", stderr: "inherit" });
  const directory = (await fetching.stdout.text()).trim();
  if ((await fetching.exited) === 0) return directory;
  throw new VmError(`there is no kernel ${row.series} of Debian ${row.suite}: fetch-kernel.sh says why`);
}

/** A file with the BTF of a kernel, to stand for its own: path in the machine → path here. */
export async function btfFile(kernel: string): Promise<Record<string, string>> {
  const release = readFileSync(join(kernel, "release"), "utf8").trim();
  const scratch = join(root, ".output/vm");
  const path = join(scratch, `vmlinux-${release}`);
  mkdirSync(scratch, { recursive: true });
  await Bun.$`${root}/scripts/build-btf.sh ${kernel}/vmlinuz --force -o ${path}`.quiet();
  return { [`/boot/vmlinux-${release}`]: path };
}
