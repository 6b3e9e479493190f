// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Boots a kernel under QEMU, runs one script there, and returns the files that the script left in /results.
// A failed boot is no fault of mine, so it has a separate error: VmError.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { archOf, emulators } from "./architecture.ts";
import { VmError } from "./vm-error.ts";
import { type VmImage, writeImage } from "./vm-image.ts";

export interface VmResult {
  /** Files that the script left in /results, by path. `stdout` and `stderr` are the script's, unless shown live. */
  files: Map<string, Buffer>;
  exitCode: number;
  consoleLog: string;
  /** Seconds from the start of the kernel to the start of the script. */
  bootSeconds: number;
  /** Seconds from the start of QEMU to its end. */
  totalSeconds: number;
}

const {
  // Not kvm: nested kvm can pass QEMU's check and then never reach the first instruction of the kernel.
  // Emulation boots in seconds and behaves the same everywhere.
  // One thread runs both processors. The kernel patches itself for a static key or a kprobe. With a thread per
  // processor, QEMU sometimes runs an int3 that the kernel has already removed: one boot in eighty panicked.
  // One thread is not slower when as many machines run as the host has processors.
  MINE_QEMU_ACCEL: accelerator = "tcg,thread=single",
  MINE_VM_TIMEOUT: timeoutSeconds = "180",
} = process.env;

/** Properties of a test machine that a test can choose. */
export interface Machine {
  memoryMb: number;
  processors: number;
  timeoutSeconds: number;
  /** Further options of QEMU. */
  options: string[];
}

const usual: Machine = { memoryMb: 768, processors: 2, timeoutSeconds: Number(timeoutSeconds), options: [] };
const scratch = join(import.meta.dir, "../../.output/vm");

export async function bootVm(image: VmImage, machine: Partial<Machine> = {}): Promise<VmResult> {
  mkdirSync(scratch, { recursive: true });
  const directory = mkdtempSync(join(scratch, "machine-"));
  try {
    writeImage(join(directory, "initramfs"), image);
    const startMs = performance.now();
    await runQemu(directory, image, { ...usual, ...machine });
    const totalSeconds = (performance.now() - startMs) / 1000;

    const files = await unpackResults(directory);
    const text = (name: string) => files.get(name)?.toString().trim() ?? "";
    return {
      files,
      exitCode: Number(text("exit")),
      consoleLog: readConsole(directory),
      bootSeconds: Number(text("boot-seconds")),
      totalSeconds,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function runQemu(directory: string, image: VmImage, machine: Machine): Promise<void> {
  const { memoryMb, processors, timeoutSeconds, options } = machine;
  const { program, package: debian, options: own, terminals } = emulators[archOf(image.kernel)];
  const lines = {
    console: `file:${join(directory, "console")}`,
    results: `file:${join(directory, "results")}`,
    live: image.live ? "stdio" : "null",
  };
  // panic=-1 and -no-reboot end QEMU at once when the kernel panics. The kernel gives the unknown parameters to
  // the first process as environment variables.
  const kernelLine = `console=${terminals.console} loglevel=5 panic=-1`;
  const environment = `RESULTS_TTY=${terminals.results} LIVE_TTY=${terminals.live}`;
  const command = [
    program,
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-accel", accelerator],
    ...own(lines),
    ...["-smp", String(processors), "-m", String(memoryMb), ...options],
    ...["-kernel", join(image.kernel, "vmlinuz"), "-initrd", join(directory, "initramfs")],
    ...["-append", `${kernelLine} ${environment}`],
  ];
  let emulator: Bun.Subprocess<"ignore", "inherit" | "ignore", "pipe">;
  try {
    emulator = Bun.spawn(command, {
      stdin: "ignore",
      stdout: image.live ? "inherit" : "ignore",
      stderr: "pipe",
      timeout: timeoutSeconds * 1000,
      killSignal: "SIGKILL",
    });
  } catch (cause) {
    throw new VmError(`cannot start ${program}\napt-get install ${debian}`, { cause });
  }
  const complaint = (await emulator.stderr.text()).trim();
  await emulator.exited;
  if (emulator.exitCode === 0) return;
  const end = emulator.signalCode
    ? `was stopped after ${timeoutSeconds} s (MINE_VM_TIMEOUT=SECONDS allows more)`
    : `ended with ${emulator.exitCode}`;
  throw new VmError(`${program} ${end}: ${complaint}\n${consoleTail(directory)}`);
}

async function unpackResults(directory: string): Promise<Map<string, Buffer>> {
  const results = join(directory, "unpacked");
  mkdirSync(results);
  const tar = Bun.spawn(["tar", "-xzf", join(directory, "results"), "-C", results], { stderr: "pipe" });
  const complaint = (await tar.stderr.text()).trim();
  if ((await tar.exited) !== 0) {
    throw new VmError(`the machine sent no complete results: ${complaint}\n${consoleTail(directory)}`);
  }
  const names = readdirSync(results, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => statSync(join(results, name)).isFile());
  return new Map(files.map((name) => [name, readFileSync(join(results, name))]));
}

function readConsole(directory: string): string {
  const path = join(directory, "console");
  return existsSync(path) ? readFileSync(path, "utf8").replaceAll("\r", "") : "";
}

function consoleTail(directory: string): string {
  const lines = readConsole(directory).trimEnd().split("\n").slice(-20);
  return ["the end of its console:", ...lines.map((line) => `  ${line}`)].join("\n");
}
