// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Converts an event to a record: decodes it, and adds the result and data from user space.
import { hostname } from "node:os";
import { readClocks } from "bun-libbpf/ffi";
import { isDenied, type MineEvent } from "../events/event.ts";
import { Cgroups, findHierarchy } from "../host/cgroups.ts";
import { Containers } from "../host/containers.ts";
import type { FileKeeper } from "../host/file-keeper.ts";
import { Processes } from "../host/processes.ts";
import { ownNetns } from "../host/sysfs.ts";
import { UserNames } from "../host/user-names.ts";
import { type IpsetMessage, readBatchLine, readIpsetMessage, readRefusedMessage } from "../ipset/message.ts";
import { type Outcome, readOutcome } from "../ipset/outcome.ts";
import type { AuditRecord, RunContext } from "../output/record.ts";
import { timeWriter } from "../output/time.ts";
import type { Config } from "./config.ts";
import { SetTypes } from "./set-types.ts";

const ENOENT = 2;

/**
 * Returns the context of a run that starts now, and sees commands through this backend.
 * @param keeper reads the names of containers; without it they have none.
 */
export function runContext(
  backend: string,
  { time, ancestry }: Pick<Config, "time" | "ancestry">,
  keeper?: FileKeeper,
): RunContext {
  const users = new UserNames();
  const cgroups = new Cgroups(findHierarchy()?.root);
  const containers = keeper && new Containers((id) => keeper.containerNames(id));
  const processes = new Processes();
  return {
    userName: (uid) => users.of(uid),
    findProcess: (pid, startNs) => processes.find(pid, startNs),
    findCgroup: (event) => {
      const cgroup = cgroups.find(event);
      return cgroup && containers ? containers.name(cgroup) : cgroup;
    },
    hostname: hostname(),
    ancestry,
    writeTime: timeWriter(time.form, time.isUtc, readClocks().monotonicNs),
    ownNetns: ownNetns(),
    backend,
  };
}

export class Recorder {
  readonly #types = new SetTypes();

  /** Returns the record of an event. @param realtimeOffsetNs nanoseconds from event.tsNs to real time. */
  record(event: MineEvent, realtimeOffsetNs: bigint): AuditRecord {
    const read = isDenied(event) ? readRefusedMessage : readIpsetMessage;
    const message = read(event.message, event.capturedLen === event.messageLen);
    // A handler that replies by itself returns -EINTR. Its reply has the error.
    const result = event.answer || event.result;
    const setType = result === 0 ? undefined : this.#types.of(event.netns, message);
    const outcome: Outcome = event.isUnanswered
      ? { status: "unknown" }
      : readOutcome(message.command, result, setType);
    this.#types.learn(event.netns, message, outcome);
    const hasFailed = outcome.status === "failure";
    const failedElement = hasFailed ? findFailedElement(message, event.reply) : undefined;
    return {
      event,
      message,
      outcome,
      failedElement,
      appliedCount: hasFailed ? countApplied(event, message, result, failedElement) : undefined,
      timeNs: event.tsNs + realtimeOffsetNs,
    };
  }
}

/** Returns the index of the failed element. The kernel's error reply repeats the message, with the failed line. */
function findFailedElement({ elements }: IpsetMessage, reply: Uint8Array): number | undefined {
  const line = readBatchLine(reply);
  if (line === undefined || !elements) return undefined;
  let found: number | undefined;
  for (let index = 0; index < elements.length; index++) {
    if (elements.lineNumber(index) !== line) continue;
    // ipset(8) gives each element its own line. Another program may not: then the line is ambiguous.
    if (found !== undefined) return undefined;
    found = index;
  }
  return found;
}

/** Returns the elements that took effect. The kernel applies elements in order, and stops at the first failure. */
function countApplied(
  { isRefused, capturedLen, messageLen }: MineEvent,
  { command, elements, unknown = [] }: IpsetMessage,
  result: number,
  failedElement: number | undefined,
): number | undefined {
  if ((command !== "ADD" && command !== "DEL") || !elements) return undefined;
  if (failedElement !== undefined) return failedElement;
  if (isRefused || result === -ENOENT) return 0; // the kernel refused it before the first element
  // An attribute of a batch that is no element also stops the kernel.
  const isAlone = elements.length <= 1 && unknown.every(({ level }) => level !== "batch");
  return isAlone && capturedLen === messageLen ? 0 : undefined;
}
