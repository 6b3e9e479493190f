// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs a copy of the compiled binary alone in an empty directory. The copy cannot reach this tree: its working
// directory and its environment are its own.
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
  /** Command that runs the binary. The arguments of mine are appended to it. */
  through?: string[];
}

/** Temporary directory with a copy of the binary. Disposal removes the directory. */
export class Host implements Disposable {
  readonly dir: string;
  readonly #binary: string;

  constructor() {
    const built = join(root, "mine");
    if (!existsSync(built)) throw new Error(`${built} is missing: run make first`);
    this.dir = mkdtempSync(join(tmpdir(), "mine-host-test-"));
    chmodSync(this.dir, 0o755); // other users run it too
    this.#binary = join(this.emptyDirectory("binary"), "mine");
    copyFileSync(built, this.#binary);
  }

  emptyDirectory(name: string): string {
    const path = mkdtempSync(join(this.dir, `${name}-`));
    chmodSync(path, 0o755);
    return path;
  }

  /** Creates a directory with only the binary in it. @returns its path. */
  directoryWithBinary(): string {
    const path = this.emptyDirectory("cwd");
    linkSync(this.#binary, join(path, "mine"));
    return path;
  }

  /** Runs ./mine to its end. When mine traces, awaits `meanwhile`, then sends SIGINT. */
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

/** Tells whether a process exists, or is a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export const isRoot = process.geteuid?.() === 0;

/** Tells whether this kernel has tracepoints at system calls. A new mount namespace hides the mount from others. */
function hasSyscallTracepoints(): boolean {
  const look = "mount -t tracefs tracefs /mnt && test -e /mnt/events/syscalls/sys_enter_sendto/id";
  return Bun.spawnSync(["unshare", "--mount", "sh", "-c", look]).success;
}

/** Tells whether `mine` can trace on this host. @param file test file, named in the warning about skipped tests. */
export function canTraceHere(file: string): boolean {
  const can = isRoot && hasSyscallTracepoints();
  if (!can) console.warn(`${file}: needs root and a kernel with tracepoints at system calls, and is skipped`);
  return can;
}

/** Exit code of a run, and the reason if the run failed. */
export interface Ending {
  exitCode: number | null;
  reason?: Reason;
}

/** Reads the ending of a run. @throws {Error} if a successful run has no summary at its end. */
export function endingOf({ exitCode, stderr }: Run): Ending {
  if (exitCode !== 0) return { exitCode, reason: readError(stderr).reason };
  readSummary(stderr);
  return { exitCode };
}
