// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Imports every BPF object that the binary embeds. In the compiled binary these paths are inside it.
import { readFileSync } from "node:fs";
import fexitModern from "../.output/bpf/fexit.modern.bpf.o" with { type: "file" };
import kprobeLegacy from "../.output/bpf/kprobe.legacy.bpf.o" with { type: "file" };
import kprobeModern from "../.output/bpf/kprobe.modern.bpf.o" with { type: "file" };
import memoryLegacy from "../.output/bpf/memory.legacy.bpf.o" with { type: "file" };
import tracepointLegacy from "../.output/bpf/tracepoint.legacy.bpf.o" with { type: "file" };
import tracepointModern from "../.output/bpf/tracepoint.modern.bpf.o" with { type: "file" };

/** Readers of the BPF objects. Modern objects use the ring buffer (Linux 5.8); legacy objects load on 4.15. */
export const assets = {
  fexitModern: () => readFileSync(fexitModern),
  kprobeModern: () => readFileSync(kprobeModern),
  kprobeLegacy: () => readFileSync(kprobeLegacy),
  memoryLegacy: () => readFileSync(memoryLegacy),
  tracepointModern: () => readFileSync(tracepointModern),
  tracepointLegacy: () => readFileSync(tracepointLegacy),
} as const;
