// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads tracepoint ids from tracefs, and makes probes in kprobe_events. These probes remain when their
// process is killed. So the name of their group contains its pid, and sweep() removes the probes of dead
// processes.
import { constants, existsSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { CallError, errnoOf } from "./errors.ts";
import { mountPrivately } from "./ffi/libc.ts";
import { isBefore, runningKernel } from "./kernel-version.ts";

/** The mount point of tracefs, then its place in debugfs. Distributions with 4.15 mount only the latter. */
const roots = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] as const;

/**
 * Number of threads that a return probe can follow in one function at once. The default is 10 on most
 * machines. That is too few where commands wait for a module to load.
 */
const MAX_ACTIVE = 512;
export interface TracefsProbe extends Disposable {
  /** The config of perf_event_open(PERF_TYPE_TRACEPOINT). */
  id: number;
}

/** Maximum bytes of kprobe_profile. All probes of a host need less. */
const PROFILE_BYTES = 1024 * 1024;

/** Receives decisions and warnings, one sentence each. */
export interface TracefsLog {
  decision(message: string): void;
  warn(message: string): void;
}

export class Tracefs {
  readonly #root: string;
  /** Prefix of the probes' group names. Each program that uses this class has a different one. */
  readonly #prefix: string;
  readonly #log: TracefsLog;
  // These files stay open: the sandbox of a tool may forbid to open them later.
  #probes: number | undefined;
  #profile: number | undefined;

  private constructor(root: string, prefix: string, log: TracefsLog) {
    this.#root = root;
    this.#prefix = prefix;
    this.#log = log;
  }

  /**
   * Finds the mount point of tracefs. If there is none, it mounts tracefs where no other process sees it
   * (Linux 5.2).
   * @param prefix of the group names of this program's probes: letters and digits.
   * @returns undefined if tracefs is neither mounted nor mountable.
   */
  static find(prefix: string, log: TracefsLog): Tracefs | undefined {
    const root = roots.find((candidate) => existsSync(`${candidate}/events`)) ?? privateRoot(log);
    return root === undefined ? undefined : new Tracefs(root, prefix, log);
  }

  get #group(): string {
    return `${this.#prefix}_${process.pid}`;
  }

  get hasKprobes(): boolean {
    return existsSync(`${this.#root}/kprobe_events`);
  }

  /**
   * Returns the config of perf_event_open(PERF_TYPE_TRACEPOINT); undefined if the tracepoint does not exist.
   */
  tracepointId(group: string, event: string): number | undefined {
    return Number(readText(`${this.#root}/events/${group}/${event}/id`)) || undefined;
  }

  /** Makes a probe. @throws CallError: ENOENT if the kernel has no such function. */
  addProbe(target: string, kind: "entry" | "return"): TracefsProbe {
    // The event has the pid as well, because kprobe_profile does not show groups.
    const event = `${kind}_${target.replace(/^.*:/, "")}_${process.pid}`;
    const name = `${this.#group}/${event}`;
    this.#command(`${kind === "entry" ? "p" : `r${MAX_ACTIVE}`}:${name} ${target}`);
    const id = this.tracepointId(this.#group, event);
    if (id !== undefined) return { id, [Symbol.dispose]: () => this.#remove(name) };
    this.#remove(name);
    throw new Error(`tracefs has no ID for the new probe ${name}`);
  }

  /**
   * Returns the number of entries that the kernel missed at this process's probes. Entries alone are counted:
   * each has its return. Before 5.14 (ec6aba3d2be1) each fault of a read in a program counts there too, and a
   * caller can cause such faults. So the result is 0 there.
   */
  misses(): number {
    if (isBefore(runningKernel(), [5, 14, 0])) return 0;
    return [...this.#readProfile().matchAll(/^ *entry_\S+_(\d+) +\d+ +(\d+)$/gm)]
      .filter(([, pid]) => Number(pid) === process.pid)
      .reduce((sum, [, , misses]) => sum + Number(misses), 0);
  }

  #readProfile(): string {
    if (this.#profile === undefined) return "";
    const text = Buffer.alloc(PROFILE_BYTES);
    let length = 0;
    for (let more = 1; more > 0; length += more) {
      more = readSync(this.#profile, text, length, PROFILE_BYTES - length, length);
    }
    return text.toString("latin1", 0, length);
  }

  /** Removes the probes that dead processes left behind. Probes of living processes stay. */
  sweep(): void {
    const probes = readText(`${this.#root}/kprobe_events`) ?? "";
    const ours = new RegExp(`^[pr]\\d*:(${this.#prefix}_(\\d+)/\\S+)`, "gm");
    for (const [, name = "", pid = ""] of probes.matchAll(ours)) {
      const isOurs = Number(pid) === process.pid; // a dead process had the same pid
      if (!isOurs && existsSync(`/proc/${pid}`)) continue;
      this.#log.decision(`removing the stale probe ${name} of an ended process`);
      this.#remove(name);
    }
  }

  #remove(name: string): void {
    try {
      this.#command(`-:${name}`);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#log.warn(`cannot remove the probe ${name} from ${this.#root}/kprobe_events: ${error.message}`);
    }
  }

  #command(line: string): void {
    const path = `${this.#root}/kprobe_events`;
    try {
      // O_APPEND: to truncate this file would remove the probes of all programs.
      this.#probes ??= openSync(path, constants.O_WRONLY | constants.O_APPEND);
      this.#profile ??= openSync(`${this.#root}/kprobe_profile`, constants.O_RDONLY);
      writeSync(this.#probes, `${line}\n`);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      throw new CallError(`write '${line}' to ${path}`, errno);
    }
  }
}

let ownRoot: string | undefined;

/** Mounts tracefs once, and keeps it until the process ends. */
function privateRoot(log: TracefsLog): string | undefined {
  if (ownRoot !== undefined) return ownRoot;
  try {
    ownRoot = `/proc/self/fd/${mountPrivately("tracefs")}`;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    log.decision(`tracefs is not mounted, and mounting it failed: ${error.message}`);
  }
  return ownRoot;
}

/** Returns the text of the file; undefined if it cannot be read. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
