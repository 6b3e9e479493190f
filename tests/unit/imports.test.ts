// Imports point one way, and each outside package and output has its one place. Read from the import lines.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const src = join(import.meta.dir, "../../src");
const files = readdirSync(src, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));

/**
 * What each part may import, from the top down; a part is a folder of src/, or a file directly in it. Nothing
 * may import what stands above it.
 */
const allowed: Record<string, readonly string[]> = {
  engine: ["main", "report"],
  main: ["cli", "app", "report", "errors"],
  cli: ["app", "backends", "kernel", "netlink", "output", "errors", "package.json"],
  app: ["backends", "bpf", "kernel", "events", "netlink", "output", "ffi", "errors", "log", "assets"],
  backends: ["bpf", "kernel", "events", "netlink", "errors", "log"],
  bpf: ["kernel", "events", "ffi", "errors"],
  kernel: ["netlink", "ffi", "errors", "log"],
  // Pure: bytes to values to text, whatever the host.
  output: ["events", "netlink"],
  netlink: ["errno"],
  events: [],
  ffi: ["errors"],
  report: ["errors", "log"],
  errors: ["errno"],
  errno: [],
  log: [],
  assets: [".output"],
};

/** The only places where these may be imported. */
const owners: Record<string, readonly string[]> = {
  "bun:ffi": ["ffi"],
  citty: ["cli"],
  "consola/core": ["log"],
};

interface Import {
  file: string;
  /** The part that the file belongs to. */
  by: string;
  /** A part of ours, or undefined for a package. */
  part: string | undefined;
  name: string;
}

const partOf = (path: string): string =>
  path.startsWith("../") ? (path.split("/")[1] ?? "") : path.replace(/\/.*|\.ts$/, "");

const text = (file: string): string => readFileSync(join(src, file), "utf8");

const imports: Import[] = files.flatMap((file) =>
  [...text(file).matchAll(/(?:^(?:import|export) [^"=(;]*from |^import |\bimport\()"([^"]+)"/gm)].map(
    ([, name = ""]) => {
      const part = name.startsWith(".") ? partOf(normalize(join(dirname(file), name))) : undefined;
      return { file, by: partOf(file), part, name };
    },
  ),
);

const complaint = ({ file, name }: Import): string => `${file} imports ${name}`;

test("the import lines were found", () => {
  expect(imports.length).toBeGreaterThan(80);
  expect(imports.map(complaint)).toContain("cli/commands.ts imports ../app/trace.ts");
  expect(imports.map(complaint)).toContain("assets.ts imports ../.output/lib/libbpf.so");
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

test("packages are imported where they belong, and there are no others", () => {
  const wrong = imports.filter(
    ({ by, part, name }) => !part && !name.startsWith("node:") && !owners[name]?.includes(by),
  );
  expect(wrong.map(complaint)).toEqual([]);
});

test("what is pure asks the host nothing", () => {
  const pure = ["events", "netlink", "output"];
  const wrong = imports.filter(({ by, name }) => pure.includes(by) && name.startsWith("node:"));
  expect(wrong.map(complaint)).toEqual([]);
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
  for (const file of ["main.ts", "app/trace.ts"]) load(file);
  expect(loaded).toContain("cli/options.ts");
  const texts = files.filter((file) => /^cli\/(help|man-page|manual|complete-\w+)\.ts$/.test(file));
  expect(texts.length).toBe(6);
  expect(texts.filter((file) => loaded.has(file))).toEqual([]);
});

describe("output", () => {
  const usersOf = (pattern: RegExp) => files.filter((file) => pattern.test(text(file)));

  test("stdout is written by the line writer alone", () => {
    expect(usersOf(/process\.stdout\.write|Bun\.stdout|\bSTDOUT\b/)).toEqual(["app/line-writer.ts"]);
  });

  test("nothing writes through console", () => {
    expect(usersOf(/\bconsole\./)).toEqual([]);
  });
});
