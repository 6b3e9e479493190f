// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Makes events and records. The default is a successful command of root. A test changes single fields.
import { AUDIT_UID_UNSET, type MineEvent } from "../../src/events/event.ts";
import type { Element } from "../../src/ipset/element.ts";
import type { Elements } from "../../src/ipset/elements.ts";
import { readIpsetMessage } from "../../src/ipset/message.ts";
import { type Outcome, readOutcome } from "../../src/ipset/outcome.ts";
import type { AuditRecord, RunContext } from "../../src/output/record.ts";
import { timeWriter } from "../../src/output/time.ts";

/** Makes an event. @param given fields that differ from the default. Lengths follow from the bytes. */
export function eventWith(given: Partial<MineEvent> = {}): MineEvent {
  const message = given.message ?? new Uint8Array(20);
  const args = given.arguments ?? new Uint8Array();
  return {
    tsNs: 0n,
    startNs: 0n,
    cgroupId: 0n,
    pid: 17436,
    tid: 17437,
    ppid: 17400,
    uid: 0,
    gid: 0,
    effectiveUid: given.uid ?? 0,
    effectiveGid: given.gid ?? 0,
    loginUid: AUDIT_UID_UNSET,
    sessionId: AUDIT_UID_UNSET,
    netns: 4026531840,
    result: 0,
    answer: 0,
    flags: 0,
    messageLen: message.length,
    capturedLen: message.length,
    arguments: args,
    argumentsLen: args.length,
    argumentsCaptured: args.length,
    executableLen: 0,
    executable: undefined,
    cgroupLen: 0,
    cgroupPath: undefined,
    replyLen: given.reply?.length ?? 0,
    reply: new Uint8Array(),
    program: Buffer.concat([args, given.executable ?? new Uint8Array()]),
    ancestorsLen: given.ancestry?.length ?? 0,
    ancestry: new Uint8Array(),
    ancestors: [],
    comm: Buffer.from("ipset"),
    message,
    isRefused: false,
    isUnanswered: false,
    isByReader: false,
    ...given,
  };
}

/** A record with the context of its run. */
export type ShownRecord = AuditRecord & RunContext;

export const context: RunContext = {
  userName: (uid) => ({ 0: "root", 1: "daemon" })[uid],
  findProcess: () => undefined,
  findCgroup: () => undefined,
  hostname: "host",
  ancestry: true,
  writeTime: timeWriter("minute", false, 0n),
  ownNetns: 4026531840,
  backend: "kprobe",
};

/** Makes a record. @param given fields that differ from the default. */
export const recordWith = ({ event, ...given }: Partial<ShownRecord> = {}): ShownRecord => ({
  event: event ?? eventWith(),
  message: { command: "CREATE", commandNumber: 2 },
  outcome: { status: "success" },
  failedElement: undefined,
  appliedCount: undefined,
  timeNs: 0n,
  ...context,
  ...given,
});

/** Returns elements in the form of a decoded message. */
export const elementsOf = (elements: readonly Element[]): Elements => ({
  length: elements.length,
  at: (index) => elements[index],
  lineNumber: (index) => elements[index]?.lineNumber,
  [Symbol.iterator]: () => elements[Symbol.iterator](),
});

/** Returns a failure with a made-up error. */
export const failureWith = (sentence: string): Outcome => ({
  status: "failure",
  sentence,
  error: { name: "X", number: 4103 },
});

/** Returns the error of a failure; undefined for another outcome. */
export const errorOf = (outcome: Outcome) => (outcome.status === "failure" ? outcome.error : undefined);

export interface GivenWithBytes extends Partial<Omit<ShownRecord, "event">> {
  event?: Partial<MineEvent>;
  /** Return value of the handler. */
  result?: number;
}

/** Makes the record of a message, decoded as in a run. */
export function recordOf(
  bytes: Uint8Array,
  { event, result = 0, ...given }: GivenWithBytes = {},
): ShownRecord {
  const whole = eventWith({ message: bytes, result, ...event });
  const message = readIpsetMessage(whole.message, whole.capturedLen === whole.messageLen);
  const outcome = readOutcome(message.command, result);
  return recordWith({ event: whole, message, outcome, ...given });
}
