// Whether this process has probes in tracefs, which only root can take away again.
// The trap: where tracefs is not mounted it is in a mount of our own (tracefs.ts), which cannot be looked at here.
import { existsSync } from "node:fs";
import { hasKprobePmu, readText } from "./host.ts";
import { isBefore, runningKernel } from "./version.ts";

const roots = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] as const;

/** In doubt yes: none shall be left behind. */
export function mayHaveProbesInTracefs(): boolean {
  // Since 4.17 a kernel with kprobes has the PMU.
  if (!hasKprobePmu() && !isBefore(runningKernel(), [4, 17, 0])) return false;
  const root = roots.find((candidate) => existsSync(`${candidate}/events`));
  if (root === undefined) return true;
  return readText(`${root}/kprobe_events`)?.includes(`:mine_${process.pid}/`) ?? true;
}
