// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Places a build of mine in a test machine. A build for musl runs in a root file system that holds musl alone.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Arch, programsFor } from "./architecture.ts";
import { VmError } from "./vm-error.ts";

const root = join(import.meta.dir, "../..");
const PATH_IN_MACHINE = "/usr/local/bin/mine";

/** A build of mine, as in tests/vm/KERNELS. */
export type Target = Arch | `${Arch}-musl`;

/** The build for a target; MINE=PATH names another one. */
export function mineFor(target: Target): string {
  const { MINE } = process.env;
  return MINE ?? join(root, target === process.arch ? "mine" : `.output/linux-${target}/mine`);
}

/** Files of a machine that runs mine. @returns path in the machine → path here. */
export function mineFiles(target: Target): Record<string, string> {
  const mine = mineFor(target);
  if (!target.endsWith("-musl")) return { [PATH_IN_MACHINE]: mine };
  const arch = target.replace("-musl", "") as Arch;
  return {
    [PATH_IN_MACHINE]: join(root, "tests/vm/mine-in-musl-root.sh"),
    [`/musl${PATH_IN_MACHINE}`]: mine,
    "/musl/sbin/modprobe": programsFor(arch).find("busybox"),
    ...muslLibraries(arch, mine),
  };
}

const machines: Record<Arch, string> = { x64: "x86_64", arm64: "aarch64" };
const packages = ["musl", "libgcc-12-dev", "libstdc++-12-pic"];

/** Functions of glibc that libstdc++ calls. _dl_find_object() serves exceptions; Bun's program throws none. */
const glibcFunctions = `
unsigned long getauxval(unsigned long type);
unsigned long __getauxval(unsigned long type) { return getauxval(type); }
char __libc_single_threaded;
int _dl_find_object(void *pc, void *found) { return -1; }
`;

/**
 * Debian has no libstdc++ for musl. This links one from Debian's archive of its object files, with only the functions
 * that Bun's program calls.
 */
function muslLibraries(arch: Arch, mine: string): Record<string, string> {
  const tree = run([join(root, "tests/vm/fetch-programs.sh"), arch, ...packages]).trim();
  const scratch = join(root, `.output/vm/musl-${arch}`);
  mkdirSync(scratch, { recursive: true });
  const machine = machines[arch];
  const gcc = join(tree, `usr/lib/gcc/${machine}-linux-gnu/12`);
  const archives = ["libstdc++_pic.a", "libgcc_eh.a"].map((name) => join(gcc, name));
  const musl = join(tree, `lib/${machine}-linux-musl`);

  const offered = new Set(
    run(["nm", "--format=posix", "--defined-only", "-g", ...archives]).match(/^\S+(?= [TVWDBR] )/gm),
  );
  const wanted = run(["nm", "--format=posix", "-D", mine]).match(/^[^\s@]+/gm) ?? [];
  const exports = wanted.filter((name) => offered.has(name));
  const map = join(scratch, "libstdc++.map");
  const source = join(scratch, "glibc.c");
  const library = join(scratch, "libstdc++.so.6");
  writeFileSync(map, `{ global: ${exports.join("; ")}; local: *; };\n`);
  writeFileSync(source, glibcFunctions);
  run([
    ...[arch === process.arch ? "gcc" : `${machine}-linux-gnu-gcc`, "-shared", "-s", "-fPIC", "-nostdlib"],
    ...[
      "-Wl,-soname,libstdc++.so.6",
      "-Wl,--no-undefined",
      "-Wl,--gc-sections",
      `-Wl,--version-script=${map}`,
    ],
    ...exports.map((name) => `-Wl,-u,${name}`),
    ...[join(gcc, "crtbeginS.o"), source, ...archives, join(gcc, "libgcc.a"), `-L${musl}`, "-lc"],
    ...[join(gcc, "crtendS.o"), "-o", library],
  ]);
  return {
    [`/musl/lib/ld-musl-${machine}.so.1`]: join(musl, "libc.so"),
    "/musl/lib/libstdc++.so.6": library,
  };
}

function run(command: string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(command);
  if (!success) throw new VmError(`${command[0]} failed:\n${stderr}`);
  return stdout.toString();
}
