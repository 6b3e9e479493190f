// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Records of mine about its own run. With them a log alone shows the sets of the start, and whether it is complete.
import type { ListedSet } from "../ipset/listed-set.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { RunContext } from "./record.ts";

export interface Losses {
  lost: number;
  /** Lost events by cause; a cause without events has 0. */
  causes: readonly (readonly [cause: string, count: number])[];
  /** Denied events that are not shown. Not lost: the BPF side limits callers without CAP_NET_ADMIN. */
  denied: number;
}

/** The fate of all events of a run so far. */
export interface Counts extends Losses {
  seen: number;
  filtered: number;
  truncated: number;
}

/** Facts about the run and its host. */
export interface Start {
  version: string;
  /** The words after the program's name. */
  options: readonly string[];
  pid: number;
  /** Release of the kernel. */
  kernel: string;
  /** Differs for each boot; undefined if /proc does not have it. */
  bootId: string | undefined;
  /** Number of records about sets that follow; undefined if the kernel did not list the sets. */
  setRecords: number | undefined;
}

export type RunRecord = {
  /** Nanoseconds since 1970-01-01 UTC. */
  timeNs: bigint;
} /** The sets of this network namespace follow: its inode number. */ & (
  | { action: "start"; start: Start; netns: number | undefined }
  /** A set at the start, or some more of its elements. */
  | { action: "set"; set: ListedSet; netns: number | undefined }
  | { action: "lost" | "end"; counts: Counts }
);

export type RunRecordWriter = (out: ByteWriter, record: RunRecord, context: RunContext) => void;
