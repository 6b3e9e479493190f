// Every file that the binary carries, imported once. In the compiled binary these paths are inside it.

import { readFileSync } from "node:fs";
import legacyObject from "../.output/bpf/mine.legacy.bpf.o" with { type: "file" };
import modernObject from "../.output/bpf/mine.modern.bpf.o" with { type: "file" };
import libbpf from "../.output/lib/libbpf.so" with { type: "file" };

export const assets = {
  libbpf: () => readFileSync(libbpf),
  legacyObject: () => readFileSync(legacyObject),
  modernObject: () => readFileSync(modernObject),
};
