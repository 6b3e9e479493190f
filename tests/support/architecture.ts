// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Describes a test machine of each architecture: QEMU's options and the programs of the machine.
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { VmError } from "./vm-error.ts";

const root = join(import.meta.dir, "../..");
const { PATH: path, MINE_QEMU = "qemu-system-x86_64" } = process.env;
const searchPath = `${path}:/usr/sbin:/sbin`;

export type Arch = "x64" | "arm64";

/** Paths on the host, of the three serial lines of a machine. */
export interface SerialLines {
  console: string;
  results: string;
  live: string;
}

interface Emulator {
  program: string;
  package: string;
  /** Options for the processor and the serial lines. */
  options: (lines: SerialLines) => string[];
  /** Names of the serial lines in the machine. */
  terminals: { console: string; results: string; live: string };
}

export const emulators: Record<Arch, Emulator> = {
  x64: {
    program: MINE_QEMU,
    package: "qemu-system-x86",
    // Nehalem has no AVX, so every run proves that mine needs none.
    // -cx16: after that instruction QEMU before 8.0 can leave garbage in the flags, and the next interrupt
    // panics. Linux 6.12 uses cx16 all the time.
    // +rdrand: without it 4.19 waits minutes for random numbers.
    options: ({ console, results, live }) => [
      ...["-cpu", "Nehalem,-cx16,+rdrand"],
      ...["-serial", console, "-serial", results, "-serial", live],
    ],
    terminals: { console: "ttyS0", results: "ttyS1", live: "ttyS2" },
  },
  arm64: {
    program: "qemu-system-aarch64",
    package: "qemu-system-arm",
    // Cortex-A72 has none of the atomic instructions of ARMv8.1, so every run proves that mine needs none.
    // The machine has one serial line of its own; the others are PCI devices.
    options: ({ console, results, live }) => [
      ...["-machine", "virt", "-cpu", "cortex-a72", "-serial", console],
      ...["-serial", results, "-device", "pci-serial,chardev=serial1"],
      ...["-serial", live, "-device", "pci-serial,chardev=serial2"],
    ],
    terminals: { console: "ttyAMA0", results: "ttyS0", live: "ttyS1" },
  },
};

/** The architecture of a kernel. @param kernel directory that tests/vm/fetch-kernel.sh printed. */
export function archOf(kernel: string): Arch {
  const file = join(kernel, "arch");
  return existsSync(file) ? (readFileSync(file, "utf8").trim() as Arch) : "x64";
}

/** Programs of a test machine: their paths here, and the paths of a program's shared libraries and loader. */
export interface Programs {
  find: (name: string) => string;
  /** Finds the counterpart of a file of this host. @returns its path in the machine, and its path here. */
  locate: (path: string) => [inMachine: string, here: string];
  /** Path in the machine → path here. */
  librariesOf: (program: string) => Record<string, string>;
}

export const programsFor = (arch: Arch): Programs =>
  arch === process.arch ? ownPrograms : foreignPrograms(arch);

/** Debian's packages of the programs that any test calls. */
const packages = [
  "busybox-static",
  "ipset",
  "bpftool",
  "util-linux",
  "strace",
  "python3",
  "python3-pyroute2",
];

const ownPrograms: Programs = {
  find: (name) => which(name, searchPath),
  locate: (path) => [path, path],
  librariesOf: (program) => {
    const ldd = Bun.spawnSync(["ldd", realpathSync(program)], { env: { ...process.env, LC_ALL: "C" } });
    const found = [...ldd.stdout.toString().matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(
      ([, path = ""]) => path,
    );
    return Object.fromEntries(found.map((path) => [path, path]));
  },
};

function which(name: string, directories: string): string {
  const found = Bun.which(name, { PATH: directories });
  if (!found) throw new VmError(`the test machine needs ${name}\n'make setup' installs it`);
  return found;
}

function foreignPrograms(arch: Arch): Programs {
  const command = [join(root, "tests/vm/fetch-programs.sh"), arch, ...packages];
  const { success, stdout } = Bun.spawnSync(command, { stderr: "inherit" });
  if (!success) throw new VmError(`there are no programs for ${arch}: fetch-programs.sh says why`);
  const tree = stdout.toString().trim();
  const [machine, other] = arch === "arm64" ? ["aarch64", "x86_64"] : ["x86_64", "aarch64"];
  const places = [`/lib/${machine}-linux-gnu`, `/usr/lib/${machine}-linux-gnu`];
  const needed = (program: string): string[] => {
    const { stdout } = Bun.spawnSync(["readelf", "-dlW", program], { stderr: "ignore" });
    const names = stdout.toString().matchAll(/(?:\(NEEDED\).*\[|interpreter: \/lib\/)([^\]]+)\]/g);
    return [...names].map(([, name = ""]) => name);
  };
  const librariesOf = (program: string): Record<string, string> => {
    const found: Record<string, string> = {};
    const waiting = needed(program);
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const place = places.find((directory) => existsSync(join(tree, directory, name)));
      if (!place) throw new VmError(`${program} needs ${name}, which is not among the packages for ${arch}`);
      // The loader is in /lib, where programs name it.
      const path = name.startsWith("ld-linux") ? `/lib/${name}` : join(place, name);
      if (path in found) continue;
      found[path] = join(tree, place, name);
      waiting.push(...needed(found[path]));
    }
    return found;
  };
  const locate = (path: string): [string, string] => {
    const inMachine = path.replaceAll(`${other}-linux-gnu`, `${machine}-linux-gnu`);
    return [inMachine, join(tree, inMachine)];
  };
  const directories = ["/bin", "/usr/bin", "/sbin", "/usr/sbin"].map((directory) => join(tree, directory));
  return { find: (name) => which(name, directories.join(":")), locate, librariesOf };
}
