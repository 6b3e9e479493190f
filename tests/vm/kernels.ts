// Reads the matrix tests/vm/KERNELS, which says what each column means.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const columns = ["name", "suite", "series", "btf", "assume", "transport", "probe", "backend"] as const;
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
  return (await Bun.$`${import.meta.dir}/fetch-kernel.sh ${row.suite} ${row.series}`.text()).trim();
}
