// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Imports point one way, and each outside package and output has its one place. Read from the import lines.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const src = join(import.meta.dir, "../../src");
const files = readdirSync(src, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
  // A program of its own, for users of the package.
  .filter((file) => file !== "core/gen-skeleton.ts");

/**
 * The imports that each part may have, from the top down. A part is a folder of src/, or a file directly in
 * it. No part imports one above it.
 */
const allowed: Record<string, readonly string[]> = {
  engine: ["main", "keeper", "cli"],
  main: ["cli", "output", "errors"],
  keeper: ["host"],
  cli: [
    ...["doctor", "install", "trace", "backends", "output", "ipset", "errors", "log", "core"],
    ...["package.json", "packaging"],
  ],
  install: ["host", "errors", "log"],
  doctor: ["trace", "offsets", "backends", "host", "output", "events", "ipset", "errors", "log", "core"],
  trace: ["offsets", "backends", "host", "output", "events", "ipset", "errors", "log", "core"],
  offsets: ["backends", "host", "events", "ipset", "errors", "log", "assets", "core"],
  backends: ["host", "events", "ipset", "errors", "log", "assets", "core"],
  host: ["errors", "log", "core"],
  // Pure: bytes to values to text, the same on every host.
  output: ["events", "ipset", "errors", "core"],
  events: ["core"],
  ipset: ["core"],
  errors: ["core"],
  log: [],
  assets: [".output"],
  // A package of its own.
  core: [],
};

/** The only folders and files where these may be imported. */
const owners: Record<string, readonly string[]> = {
  "bun:ffi": ["core/ffi", "host/ffi"],
  citty: ["cli"],
  "consola/core": ["log.ts"],
};

interface Import {
  file: string;
  /** The part that the file belongs to. */
  by: string;
  /** A part of ours, or undefined for a package. */
  part: string | undefined;
  name: string;
  /** Only types are imported. */
  isType: boolean;
}

const partOf = (path: string): string =>
  path.startsWith("../") ? (path.split("/")[1] ?? "") : path.replace(/\/.*|\.ts$/, "");

const text = (file: string): string => readFileSync(join(src, file), "utf8");

const imports: Import[] = files.flatMap((file) =>
  [...text(file).matchAll(/(?:^(?:import|export) (type )?[^"=(;]*from |^import |\bimport\()"([^"]+)"/gm)].map(
    ([, type, name = ""]) => {
      const inside = name.startsWith(".") ? partOf(normalize(join(dirname(file), name))) : undefined;
      const part = /^bun-libbpf(\/|$)/.test(name) ? "core" : inside;
      return { file, by: partOf(file), part, name, isType: type !== undefined };
    },
  ),
);

const complaint = ({ file, name }: Import): string => `${file} imports ${name}`;

test("the import lines were found", () => {
  expect(imports.length).toBeGreaterThan(80);
  expect(imports.map(complaint)).toContain("cli/commands.ts imports ../trace/trace.ts");
  expect(imports.map(complaint)).toContain("assets.ts imports ../.output/bpf/fexit.modern.bpf.o");
  expect(imports.map(complaint)).toContain("core/ffi/libbpf.ts imports ../libbpf.so");
});

test("every part has its place in the order, and the order has no other", () => {
  expect(new Set(files.map(partOf))).toEqual(new Set(Object.keys(allowed)));
});

test("the order has no way back up", () => {
  const order = Object.keys(allowed);
  for (const [index, below] of Object.values(allowed).entries()) {
    for (const part of below.filter((name) => name in allowed))
      expect(order.indexOf(part)).toBeGreaterThan(index);
  }
});

test("no part imports what it may not", () => {
  const wrong = imports.filter(({ by, part }) => part && part !== by && !allowed[by]?.includes(part));
  expect(wrong.map(complaint)).toEqual([]);
});

test("the core is imported by the name of its package", () => {
  const wrong = imports.filter(
    ({ by, part, name }) => by !== "core" && part === "core" && name.startsWith("."),
  );
  expect(wrong.map(complaint)).toEqual([]);
});

test("every import that a part may have is one that it has", () => {
  const unused = Object.entries(allowed).flatMap(([part, below]) =>
    below
      .filter((name) => !imports.some((one) => one.by === part && one.part === name))
      .map((name) => `${part} imports no ${name}`),
  );
  expect(unused).toEqual([]);
});

test("packages are imported where they belong, and there are no others", () => {
  const isOwner = ({ file, name }: Import): boolean =>
    (owners[name] ?? []).some((owner) => file === owner || file.startsWith(`${owner}/`));
  const wrong = imports.filter((one) => !one.part && !one.name.startsWith("node:") && !isOwner(one));
  expect(wrong.map(complaint)).toEqual([]);
});

describe("a pure part", () => {
  const pure = ["output", "events", "ipset"];
  /** The only files of these parts that have an effect. */
  const writers = ["output/line-writer.ts", "output/stdout.ts"];
  const ofPure = imports.filter(({ by, file }) => pure.includes(by) && !writers.includes(file));

  test("asks the host nothing", () => {
    expect(ofPure.filter(({ name }) => name.startsWith("node:")).map(complaint)).toEqual([]);
  });

  test("runs only code of core that is pure too", () => {
    const used = new Set(
      ofPure.filter(({ part, isType }) => part === "core" && !isType).map(({ name }) => name),
    );
    expect([...used].toSorted()).toEqual(["bun-libbpf/errno", "bun-libbpf/layout"]);
  });
});

test("tracing loads no code of the help, the man page or the completions", () => {
  const loaded = new Set<string>();
  const load = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    for (const [, name = ""] of text(file).matchAll(
      /^(?:import|export) (?!type )[^"=(;]*from "(\.[^"]+\.ts)"/gm,
    )) {
      load(normalize(join(dirname(file), name)));
    }
  };
  for (const file of ["main.ts", "trace/trace.ts"]) load(file);
  expect(loaded).toContain("cli/options.ts");
  const texts = files.filter((file) => /^cli\/(help|man-page|manual|complete-\w+)\.ts$/.test(file));
  expect(texts.length).toBe(6);
  expect(texts.filter((file) => loaded.has(file))).toEqual([]);
});

describe("output", () => {
  const usersOf = (pattern: RegExp) => files.filter((file) => pattern.test(text(file)));

  test("stdout is written in one file", () => {
    expect(usersOf(/process\.stdout\.write|Bun\.stdout|\bSTDOUT\b/)).toEqual(["output/stdout.ts"]);
  });

  test("nothing writes through console", () => {
    expect(usersOf(/\bconsole\./)).toEqual([]);
  });
});
