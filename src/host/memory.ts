// The pages of our own program that are in memory. Of 100 MB that Bun is, little is used after the start; but for
// each page that is touched the kernel maps 15 around it that happen to be cached, and all of them count as ours.
import { readFileSync, readlinkSync } from "node:fs";
import { pageSize } from "../core/ffi/libc.ts";
import { dropFilePages } from "./ffi/libc.ts";

/** A line of /proc/PID/smaps that begins a mapping: "00400000-00452000 r-xp 00000000 08:02 173521   /usr/bin/mine" */
const heading = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ +(.*)$/;

/** While the process is smaller than this, its pages may stay. */
const MOST_BYTES = 32 * 1024 * 1024;
const CHECK_MS = 50;

interface Range {
  start: number;
  length: number;
}

/**
 * @param smaps /proc/PID/smaps
 * @returns the parts of this program that cannot be written and never were: what they hold is what the file holds.
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

  /** Gives back those in memory; the few that are in use come again at once. */
  drop(): void {
    for (const { start, length } of this.#ranges) dropFilePages(start, length);
  }

  /** The same when the process has become large; to be called often. */
  dropIfMany(): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + CHECK_MS;
    if (this.#ranges.length > 0 && residentBytes() > MOST_BYTES) this.drop();
  }
}

/** The second number of /proc/self/statm, in pages. */
function residentBytes(): number {
  return Number(readFileSync("/proc/self/statm", "latin1").split(" ")[1]) * pageSize();
}

function findRanges(): Range[] {
  try {
    return unchangedRanges(readFileSync("/proc/self/smaps", "utf8"), readlinkSync("/proc/self/exe"));
  } catch {
    return []; // no /proc: they stay in memory
  }
}
