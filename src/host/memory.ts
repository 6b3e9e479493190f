// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Drops pages of mine's own program from memory. Bun has 100 MB, and little of it is used after the start.
// For each touched page, however, the kernel maps 15 cached pages around it. All of them count as memory of
// mine.
import { readFileSync, readlinkSync } from "node:fs";
import { pageSize } from "bun-libbpf/ffi";
import { dropFilePages } from "./ffi/libc.ts";

/**
 * First line of a mapping in /proc/PID/smaps: "00400000-00452000 r-xp 00000000 08:02 173521   /usr/bin/mine"
 */
const heading = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ +(.*)$/;

/** Resident bytes of the process below which its pages may stay. */
const MAX_BYTES = 32 * 1024 * 1024;
const CHECK_MS = 50;

interface Range {
  start: number;
  length: number;
}

/**
 * Returns the mappings of the program that are read-only and have no private pages. Their bytes are those of
 * the file, so the kernel can read them again.
 * @param smaps the text of /proc/PID/smaps.
 * @param program the path of the executable.
 */
export function unchangedRanges(smaps: string, program: string): Range[] {
  const ranges: Range[] = [];
  let candidate: Range | undefined;
  for (const line of smaps.split("\n")) {
    const [, from = "", to = "", access, path] = heading.exec(line) ?? [];
    if (access !== undefined) {
      const start = Number.parseInt(from, 16);
      const isOurs = path === program && !access.includes("w");
      candidate = isOurs ? { start, length: Number.parseInt(to, 16) - start } : undefined;
    } else if (candidate && /^Anonymous: +0 kB$/.test(line)) {
      ranges.push(candidate);
    }
  }
  return ranges;
}

export class ProgramPages {
  readonly #ranges = findRanges();
  #nextMs = 0;

  /** Drops all pages. The kernel reads the few that are in use again at once. */
  drop(): void {
    for (const { start, length } of this.#ranges) dropFilePages(start, length);
  }

  /** Drops all pages if the process has become large. The caller calls this often. */
  dropIfMany(): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + CHECK_MS;
    if (this.#ranges.length > 0 && residentBytes() > MAX_BYTES) this.drop();
  }
}

/** Returns the second number of /proc/self/statm, which is in pages, in bytes. */
function residentBytes(): number {
  return Number(readFileSync("/proc/self/statm", "latin1").split(" ")[1]) * pageSize();
}

function findRanges(): Range[] {
  try {
    return unchangedRanges(readFileSync("/proc/self/smaps", "utf8"), readlinkSync("/proc/self/exe"));
  } catch {
    return []; // without /proc the pages stay
  }
}
