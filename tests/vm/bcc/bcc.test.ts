// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// examples/bcc/mine.py, which BCC compiles from the sources that mine embeds, prints the lines that mine prints.
// The probes of the two see a command one after the other, so their minutes may differ.
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fetchKernel } from "../kernels.ts";
import { pythonFiles } from "../python.ts";
import { workload } from "../record/workload.ts";
import { runSession } from "../session.ts";

const root = join(import.meta.dir, "../../..");
const scratch = join(root, ".output/vm");
const kernel = { suite: "bookworm", series: "6.1" };
/** The imports of mine.py and of ipset_text.py. */
const imports =
  "import contextlib, ctypes, errno, os, pathlib, pwd, re, signal, socket, struct, sys, time, unicodedata, bcc";
/** Libraries that are loaded by name. */
const libraries = ["libbcc.so.0", "librt.so.1"].map((name) => join("/usr/lib/x86_64-linux-gnu", name));

const MINUTE_MS = 60_000;
const LINE = /^\((\d{4})\/(\d\d)\/(\d\d)_(\d\d:\d\d)\) (.*)$/;
const timeOf = (line: string): number => Date.parse(line.replace(LINE, "$1-$2-$3T$4Z"));
const withoutTime = (line: string): string => line.replace(LINE, "$5");

test("mine.py prints the lines that mine prints", async () => {
  mkdirSync(scratch, { recursive: true });
  const commands = join(scratch, "commands.bcc");
  await Bun.write(
    commands,
    Buffer.from(`${workload({ initval: true, bitmask: false }).join("\n")}\n`, "latin1"),
  );
  const headers = join(scratch, "headers.tar");
  const release = await Bun.file(join(await fetchKernel(kernel), "release")).text();
  const unpacked = await Bun.$`${root}/bench/fetch-headers.sh ${kernel.suite} ${release.trim()}`.text();
  await Bun.$`tar -cf ${headers} -C ${unpacked.trim()} usr lib`.quiet();

  const sources = ["bpf", "examples/bcc"].flatMap((directory) =>
    readdirSync(join(root, directory)).map((name) => join(directory, name)),
  );
  const { exitCode, text } = await runSession("bcc/guest.sh", kernel, {
    env: { BACKENDS: "kprobe", KPROBES: "on", EXAMPLE: "no", FULL_BTF: "" },
    files: {
      "/headers.tar": headers,
      "/commands": commands,
      "/etc/protocols": "/etc/protocols",
      "/etc/services": "/etc/services",
      "/workload.sh": join(import.meta.dir, "../matrix/guest.sh"),
      "/record.sh": join(import.meta.dir, "../record/guest.sh"),
      ...pythonFiles(imports),
      ...Object.fromEntries(libraries.map((library) => [library, library])),
      ...Object.fromEntries(sources.map((path) => [`/repository/${path}`, join(root, path)])),
    },
    machine: { memoryMb: 2048, timeoutSeconds: 600 },
  });
  expect(`${exitCode} ${text("stdout")}`).toBe("0 ");

  const linesOf = (name: string) => text(`watch/${name}.stdout`).split("\n");
  const [lines, expected] = [linesOf("bcc"), linesOf("mine")];
  expect(lines.length).toBeGreaterThan(500);
  expect(lines.map(withoutTime)).toEqual(expected.map(withoutTime));
  for (const [index, line] of lines.entries()) {
    expect(Math.abs(timeOf(line) - timeOf(expected[index] ?? ""))).toBeLessThanOrEqual(MINUTE_MS);
  }
  expect(text("watch/bcc.stderr")).toEndWith(`\n${lines.length} events seen, 0 lost`);
  expect(text("watch/bcc.exit")).toBe("0");
}, 900_000);
