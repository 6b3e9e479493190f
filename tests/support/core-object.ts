// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Compiles tests/fixtures/core.bpf.c, and holds its skeleton written by hand. src/core/gen-skeleton.ts must give
// the same skeleton.
import { readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Layout, Skeleton } from "../../src/core/index.ts";
import { compileBpf, root } from "./compile.ts";

export const coreLimits = { first: [0, "u16"], last: [4, "u32"] } as const satisfies Layout;
export const coreHits = {
  count: [0, "u32"],
  small: [4, "u32"],
  target: [8, "u32"],
} as const satisfies Layout;
export const corePair = {
  tiny: [0, "s8"],
  low: [2, "s16"],
  color: [4, "s32"],
  high: [8, "s64"],
  mask: [16, "u64"],
  name: [24, "string", 6],
  mac: [30, "bytes", 6],
  isSet: [36, "u8"],
} as const satisfies Layout;
export const coreRecord = { target: [0, "u64"], last: [8, "u32"] } as const satisfies Layout;
export const coreColor = { red: -1, darkBlue: 7 } as const;

export const core = {
  programs: ["broken", "count"],
  maps: {
    addresses: {},
    hits: { value: coreHits },
    pairs: { value: corePair },
    records: {},
    samples: {},
  },
  // In the order of the source, with the alignment of C.
  rodata: {
    small: [0, "u8"],
    targetCount: [8, "u64"],
    label: [16, "string", 5],
    limits: [24, coreLimits],
    large: [32, "string", 100_001],
    color: [100_036, "s32"],
    shift: [100_040, "s16"],
  },
} as const satisfies Skeleton;

/** Compiles the object. @returns its path, below `dir`. */
export function compileCore(dir: string): string {
  const object = compileBpf(dir, readFileSync(join(root, "tests/fixtures/core.bpf.c"), "utf8"), "v3");
  const path = join(dirname(object), "core.bpf.o");
  renameSync(object, path);
  return path;
}
