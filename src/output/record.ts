// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The input of every output format: the data of one command, and the data of the whole run.
import type { MineEvent } from "../events/event.ts";
import type { IpsetMessage } from "../ipset/message.ts";
import type { Outcome } from "../ipset/outcome.ts";
import type { TimeWriter } from "./time.ts";

export interface AuditRecord {
  event: MineEvent;
  message: IpsetMessage;
  outcome: Outcome;
  /** Index of the failed element of a batch. The elements before it took effect, the elements after it did not. */
  failedElement: number | undefined;
  /** Elements of a failed ADD or DEL that took effect; undefined if the kernel did not report it. */
  appliedCount: number | undefined;
  /** Nanoseconds since 1970-01-01 UTC. */
  timeNs: bigint;
}

export interface ProcessFacts {
  entityId: string;
  /** Nanoseconds since 1970-01-01 UTC. */
  startTimeNs: bigint;
}

/** Facts about the processes of a cgroup, from its path. */
export interface CgroupFacts {
  path: string;
  container?: { id: string; runtime?: string } | undefined;
  podUid?: string | undefined;
  /** Names that the runtime of the container knows. */
  names?: { name?: string; image?: string; pod?: { name: string; namespace: string } } | undefined;
  units?: { unit: string; slice: string; userUnit?: string } | undefined;
}

/** Data that all records of a run share. */
export interface RunContext {
  /** Lookups are functions, so that only printed names are looked up: a name service can be slow. */
  userName: (uid: number) => string | undefined;
  /** Facts about a process by its id and its start by CLOCK_BOOTTIME; undefined if the start is unknown. */
  findProcess: (pid: number, startNs: bigint) => ProcessFacts | undefined;
  findCgroup: (event: Pick<MineEvent, "cgroupId" | "cgroupPath">) => CgroupFacts | undefined;
  hostname: string;
  /** Lines of text have the processes that started the caller. */
  ancestry: boolean;
  /** Writes the time in a line of text. */
  writeTime: TimeWriter;
  /** Inode number of the network namespace of mine; undefined if it is unknown. */
  ownNetns: number | undefined;
  /** Name of the backend that sees the commands. */
  backend: string;
}
