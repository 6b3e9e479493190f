// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The compiled binary alone in an empty directory, and what it did there. Nothing of this tree is in reach of
// it: another copy, another working directory, an environment of its own.
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { btfPlaces } from "../../src/core/btf.ts";
import type { Reason } from "../../src/errors.ts";
import { root } from "./compile.ts";
import { READY, readError, readSummary } from "./stderr.ts";

export interface Run {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Runs the binary, appended with its arguments, instead of running it directly. */
  through?: string[];
}

/** A directory with copies of the binary in directories of their own. */
export class Host implements Disposable {
  readonly dir: string;
  readonly #binary: string;

  constructor() {
    const built = join(root, "mine");
    if (!existsSync(built)) throw new Error(`${built} is missing: run make first`);
    this.dir = mkdtempSync(join(tmpdir(), "mine-host-test-"));
    chmodSync(this.dir, 0o755); // others than root run it too
    this.#binary = join(this.emptyDirectory("binary"), "mine");
    copyFileSync(built, this.#binary);
  }

  emptyDirectory(name: string): string {
    const path = mkdtempSync(join(this.dir, `${name}-`));
    chmodSync(path, 0o755);
    return path;
  }

  /** @returns a directory that has the binary in it and nothing else. */
  directoryWithBinary(): string {
    const path = this.emptyDirectory("cwd");
    linkSync(this.#binary, join(path, "mine"));
    return path;
  }

  /** Runs ./mine to its end; where it traces, that is a Ctrl-C as soon as it does, and `meanwhile` is done. */
  async run(
    args: string[] = [],
    options: RunOptions = {},
    meanwhile: (pid: number) => Promise<void> | void = () => {},
  ): Promise<Run> {
    const cwd = options.cwd ?? this.directoryWithBinary();
    const command = options.through ?? [existsSync(join(cwd, "mine")) ? "./mine" : this.#binary];
    const home = join(this.dir, "home");
    mkdirSync(home, { recursive: true });
    const child = Bun.spawn([...command, ...args], {
      cwd,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: home, ...options.env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const stdout = new Response(child.stdout).text();
    let stderr = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      const wasReady = stderr.includes(READY);
      stderr += text;
      if (wasReady || !stderr.includes(READY)) continue;
      try {
        await meanwhile(child.pid);
      } finally {
        child.kill("SIGINT");
      }
    }
    await child.exited;
    return { exitCode: child.exitCode, stdout: await stdout, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Tells whether a process exists and has not been waited for. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export const isRoot = process.geteuid?.() === 0;

/** Whether this kernel has tracepoints at system calls: in a mount namespace of its own nobody is disturbed. */
function hasSyscallTracepoints(): boolean {
  const look = "mount -t tracefs tracefs /mnt && test -e /mnt/events/syscalls/sys_enter_sendto/id";
  return Bun.spawnSync(["unshare", "--mount", "sh", "-c", look]).success;
}

/** Whether `mine` can be at work on this host. @param file whose tests need that: told where they will be skipped. */
export function canTraceHere(file: string): boolean {
  const can = isRoot && hasSyscallTracepoints();
  if (!can) console.warn(`${file}: needs root and a kernel with tracepoints at system calls, and is skipped`);
  return can;
}

/** How a run ended, and why where it failed. */
export interface Ending {
  exitCode: number | null;
  reason?: Reason;
}

/** Reads how a run ended; one that traced must end with a summary. */
export function endingOf({ exitCode, stderr }: Run): Ending {
  if (exitCode !== 0) return { exitCode, reason: readError(stderr).reason };
  readSummary(stderr);
  return { exitCode };
}

/** How `mine` without options ends on this host, as root. */
export const expectedHere = (): Ending =>
  btfPlaces(release()).some((place) => existsSync(place))
    ? { exitCode: 0 }
    : { exitCode: 3, reason: "no-btf" };
