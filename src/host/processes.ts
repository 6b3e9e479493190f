// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Identifies processes by their id and their start, so that a process with the id of another is not taken for it.
// Nothing is read from /proc/PID: a process can make such a read wait forever, with arguments in a file system of
// its own (FUSE), and mine reads no event meanwhile.
import { createHash } from "node:crypto";
import { realtimeAtBootNs } from "bun-libbpf/ffi";
import { bootId } from "./sysfs.ts";

/** Maximum number of processes to remember. */
const MAX_KNOWN = 4096;

export interface Process {
  /** Hash of the boot, the id and the start: no two processes of all hosts have the same. */
  entityId: string;
  /** Nanoseconds since 1970-01-01 UTC, the same for each look-up. */
  startTimeNs: bigint;
}

export class Processes {
  readonly #bootId = bootId() ?? "";
  readonly #bootNs = realtimeAtBootNs();
  readonly #known = new Map<string, Process>();

  /**
   * Returns the process.
   * @param startNs nanoseconds of CLOCK_BOOTTIME; 0 if it is unknown: the result is undefined then.
   */
  find(pid: number, startNs: bigint): Process | undefined {
    if (startNs === 0n) return undefined;
    const key = `${pid} ${startNs}`;
    const known = this.#known.get(key);
    if (known) return known;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    const process: Process = {
      entityId: createHash("sha256").update(`${this.#bootId} ${key}`).digest("base64url").slice(0, 22),
      startTimeNs: this.#bootNs + startNs,
    };
    this.#known.set(key, process);
    return process;
  }
}
