// tracefs: the ids of the kernel's tracepoints, and probes made in kprobe_events. These probes outlive a process that
// is killed. So their group's name has the pid of their process, and sweep() removes those of dead processes.
import { constants, existsSync, openSync, readSync, writeSync } from "node:fs";
import { CallError, errnoOf } from "./errors.ts";
import { mountPrivately } from "./ffi/libc.ts";
import { readText } from "./files.ts";
import { isBefore, runningKernel } from "./kernel-version.ts";

/** tracefs' own mount point, then where debugfs shows it (the only one that 4.15 distributions mount). */
const roots = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] as const;

/**
 * How many threads may be in a function at once without one's return being missed; by default 10 on most machines,
 * too few where a command waits for a module to be loaded.
 */
const MAX_ACTIVE = 512;
export interface TracefsProbe extends Disposable {
  /** What perf_event_open(PERF_TYPE_TRACEPOINT) takes as config. */
  id: number;
}

/** More than the lines of all probes of a host. */
const PROFILE_BYTES = 1024 * 1024;

/** Receives decisions and warnings, a sentence each. */
export interface TracefsLog {
  decision(message: string): void;
  warn(message: string): void;
}

export class Tracefs {
  readonly #root: string;
  /** What the names of probes begin with, for each user of this class another one. */
  readonly #prefix: string;
  readonly #log: TracefsLog;
  // Kept open: once events are seen this process may not open them any more.
  #probes: number | undefined;
  #profile: number | undefined;

  private constructor(root: string, prefix: string, log: TracefsLog) {
    this.#root = root;
    this.#prefix = prefix;
    this.#log = log;
  }

  /**
   * Finds tracefs where it is mounted. Elsewhere it mounts tracefs, since Linux 5.2, where no other process sees it.
   * @param prefix of the groups of this program's probes: letters and digits.
   * @returns undefined where tracefs is not mounted and cannot be.
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

  /** @returns what perf_event_open(PERF_TYPE_TRACEPOINT) takes as config; undefined when there is no such tracepoint. */
  tracepointId(group: string, event: string): number | undefined {
    return Number(readText(`${this.#root}/events/${group}/${event}/id`)) || undefined;
  }

  /** @throws CallError, ENOENT when the kernel has no such function. */
  addProbe(target: string, kind: "entry" | "return"): TracefsProbe {
    // With the pid once more: kprobe_profile tells no groups.
    const event = `${kind}_${target.replace(/^.*:/, "")}_${process.pid}`;
    const name = `${this.#group}/${event}`;
    this.#command(`${kind === "entry" ? "p" : `r${MAX_ACTIVE}`}:${name} ${target}`);
    const id = this.tracepointId(this.#group, event);
    if (id !== undefined) return { id, [Symbol.dispose]: () => this.#remove(name) };
    this.#remove(name);
    throw new Error(`tracefs has no ID for the new probe ${name}`);
  }

  /**
   * How often the kernel could not run one of this process's probes at an entry; returns are counted by their entries.
   * Before 5.14 (ec6aba3d2be1) each fault in a program's reading counts there too, which a caller can cause: 0 then.
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

  /** Takes away the probes of predecessors that are no more; those of a living one are left alone. */
  sweep(): void {
    const probes = readText(`${this.#root}/kprobe_events`) ?? "";
    const ours = new RegExp(`^[pr]\\d*:(${this.#prefix}_(\\d+)/\\S+)`, "gm");
    for (const [, name = "", pid = ""] of probes.matchAll(ours)) {
      const isOurs = Number(pid) === process.pid; // whoever had this pid before is gone
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
      // O_APPEND: opening it to truncate would remove everybody's probes.
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

/** Mounted once, and kept until the process ends. */
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
