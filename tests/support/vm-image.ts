// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The image of a test machine: one initramfs with busybox, ipset, bpftool, the kernel's ipset modules
// and the files of the test. Mine is 100 MB, so nothing is compressed and nothing copied twice.
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { CpioWriter } from "./cpio.ts";
import { VmError } from "./vm-error.ts";

export interface VmImage {
  /** Directory that tests/vm/fetch-kernel.sh printed. */
  kernel: string;
  /** Shell script that the machine runs, by its path here. */
  script: string;
  /** Further files: path in the machine → path here. Programs bring their shared libraries. */
  files: Record<string, string>;
  /** Environment of the script. */
  env: Record<string, string>;
  /** Put an empty directory over /sys/kernel/btf, as if the kernel had no BTF. */
  hideBtf: boolean;
  /** The output of the script is shown, and is not among the results. */
  live: boolean;
}

const programs = {
  "/bin/busybox": "busybox",
  "/usr/sbin/ipset": "ipset",
  "/usr/sbin/bpftool": "bpftool",
};
const { PATH: path } = process.env;
const searchPath = `${path}:/usr/sbin:/sbin`;

/** Scripts of every machine: path there → file in tests/vm. */
const scripts = { "/init": "init.sh", "/usr/local/bin/await-tracing": "await-tracing.sh" };

const etc = {
  "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nrafaeldtinoco:x:1000:1000::/tmp:/bin/sh\n",
  "/etc/group": "root:x:0:\nrafaeldtinoco:x:1000:\n",
  "/etc/nsswitch.conf": "passwd: files\ngroup: files\n",
};

export function writeImage(path: string, image: VmImage): void {
  using archive = new CpioWriter(path);
  const files = { ...image.files };
  for (const [path, program] of Object.entries(programs)) {
    const found = Bun.which(program, { PATH: searchPath });
    if (!found) {
      throw new VmError(`the test machine needs ${program}\napt-get install busybox-static ipset bpftool`);
    }
    files[path] = found;
  }

  for (const [path, script] of Object.entries(scripts)) {
    archive.file(path, readFileSync(join(import.meta.dir, "../vm", script)), 0o755);
  }
  archive.file("/vm/script", readFileSync(image.script));
  archive.file("/vm/environment", Object.entries(image.env).map(exportLine).join(""));
  if (image.hideBtf) archive.file("/vm/hide-btf", "");
  if (image.live) archive.file("/vm/live", "");
  for (const [path, content] of Object.entries(etc)) archive.file(path, content);

  const libraries = new Set<string>();
  for (const [path, source] of Object.entries(files)) {
    archive.file(path, readFileSync(source), 0o755);
    for (const library of sharedLibraries(source)) libraries.add(library);
  }
  for (const library of libraries) archive.file(library, readFileSync(library), 0o755);

  for (const path of ipsetModules(image.kernel)) {
    archive.file(`/${path}`, readFileSync(join(image.kernel, path)));
  }
}

function exportLine([name, value]: [string, string]): string {
  return `export ${name}='${value.replaceAll("'", "'\\''")}'\n`;
}

/** Paths of the libraries that a program loads, its loader included; none for a file that is no program. */
function sharedLibraries(program: string): string[] {
  const ldd = Bun.spawnSync(["ldd", realpathSync(program)], { env: { ...process.env, LC_ALL: "C" } });
  return [...ldd.stdout.toString().matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map((match) => match[1] ?? "");
}

/** The index of the modules, all ipset modules, and what those depend on. */
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
