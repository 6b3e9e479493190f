// Every file that the binary carries, imported once. In the compiled binary these paths are inside it.

import { readFileSync } from "node:fs";
import fexitModern from "../.output/bpf/fexit.modern.bpf.o" with { type: "file" };
import kprobeLegacy from "../.output/bpf/kprobe.legacy.bpf.o" with { type: "file" };
import kprobeModern from "../.output/bpf/kprobe.modern.bpf.o" with { type: "file" };
import tracepointLegacy from "../.output/bpf/tracepoint.legacy.bpf.o" with { type: "file" };
import tracepointModern from "../.output/bpf/tracepoint.modern.bpf.o" with { type: "file" };
import libbpf from "../.output/lib/libbpf.so" with { type: "file" };

/** The modern object of a backend uses the ring buffer (Linux 5.8); the legacy one loads on 4.15. */
const objects = {
  fexit: { modern: fexitModern, legacy: undefined },
  kprobe: { modern: kprobeModern, legacy: kprobeLegacy },
  tracepoint: { modern: tracepointModern, legacy: tracepointLegacy },
} as const;

export const assets = {
  libbpf: () => readFileSync(libbpf),
  /** @throws Error when the backend has no such object. */
  object: (backend: keyof typeof objects, flavour: "modern" | "legacy") => {
    const path = objects[backend][flavour];
    if (path === undefined) throw new Error(`there is no ${flavour} object of ${backend}`);
    return readFileSync(path);
  },
};
