// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes the initramfs of a test machine: busybox, ipset, bpftool, the kernel's ipset modules and the files of
// the test. mine is 100 MB, so the image is not compressed and holds each file once.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { archOf, programsFor } from "./architecture.ts";
import { CpioWriter } from "./cpio.ts";

export interface VmImage {
  /** Directory that tests/vm/fetch-kernel.sh printed. */
  kernel: string;
  /** Path on the host of the shell script that the machine runs. */
  script: string;
  /** Further files: path in the machine → path on the host. The image adds the shared libraries of programs. */
  files: Record<string, string>;
  /** Further programs, by name; placed in /usr/local/bin. */
  programs?: readonly string[];
  /** Environment variables of the script. */
  env: Record<string, string>;
  /** Hides /sys/kernel/btf under an empty directory, like a kernel without BTF. */
  hideBtf: boolean;
  /** Shows the output of the script on the terminal, instead of adding it to the results. */
  live: boolean;
}

/** A root file system of its own, which brings its libraries (target.ts). */
const MUSL_ROOT = "/musl/";

const programs = {
  "/bin/busybox": "busybox",
  "/usr/sbin/ipset": "ipset",
  "/usr/sbin/bpftool": "bpftool",
};

/** Scripts of every machine: path in the machine → file in tests/vm. */
const scripts = {
  "/init": "init.sh",
  "/vm/run": "run.sh",
  "/usr/local/bin/await-tracing": "await-tracing.sh",
};

const etc = {
  "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nrafaeldtinoco:x:1000:1000::/tmp:/bin/sh\n",
  "/etc/group": "root:x:0:\nrafaeldtinoco:x:1000:\n",
  "/etc/nsswitch.conf": "passwd: files\ngroup: files\n",
};

export function writeImage(path: string, image: VmImage): void {
  using archive = new CpioWriter(path);
  const { find, librariesOf } = programsFor(archOf(image.kernel));
  const files = { ...image.files };
  for (const [path, program] of Object.entries(programs)) files[path] = find(program);
  for (const program of image.programs ?? []) files[`/usr/local/bin/${program}`] = find(program);

  for (const [path, script] of Object.entries(scripts)) {
    archive.file(path, readFileSync(join(import.meta.dir, "../vm", script)), 0o755);
  }
  archive.file("/vm/script", readFileSync(image.script));
  archive.file("/vm/environment", Object.entries(image.env).map(exportLine).join(""));
  if (image.hideBtf) archive.file("/vm/hide-btf", "");
  if (image.live) archive.file("/vm/live", "");
  for (const [path, content] of Object.entries(etc)) archive.file(path, content);

  const libraries: Record<string, string> = {};
  for (const [path, source] of Object.entries(files)) {
    archive.file(path, readFileSync(source), 0o755);
    if (!path.startsWith(MUSL_ROOT)) Object.assign(libraries, librariesOf(source));
  }
  for (const [path, source] of Object.entries(libraries)) archive.file(path, readFileSync(source), 0o755);

  for (const path of ipsetModules(image.kernel)) {
    archive.file(`/${path}`, readFileSync(join(image.kernel, path)));
  }
}

function exportLine([name, value]: [string, string]): string {
  return `export ${name}='${value.replaceAll("'", "'\\''")}'\n`;
}

/** Returns the paths of the module index, of all ipset modules, and of their dependencies. */
function ipsetModules(kernel: string): string[] {
  const release = readFileSync(join(kernel, "release"), "utf8").trim();
  const root = `lib/modules/${release}`;
  const index = readdirSync(join(kernel, root)).filter((name) => name.startsWith("modules."));
  const wanted = new Set<string>();
  for (const line of readFileSync(join(kernel, root, "modules.dep"), "utf8").split("\n")) {
    const [module, ...dependencies] = line.replace(":", "").split(" ");
    if (!module?.includes("/netfilter/ipset/")) continue;
    for (const path of [module, ...dependencies]) if (path) wanted.add(path);
  }
  return [...index, ...wanted].map((path) => `${root}/${path}`);
}
