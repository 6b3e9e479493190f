// From an event to a record: decoded, with its result, and with what only user space can add.
import { hostname } from "node:os";
import { isDenied, type MineEvent } from "../events/event.ts";
import { Cgroups } from "../host/cgroups.ts";
import { ownNetns } from "../host/sysfs.ts";
import { UserNames } from "../host/user-names.ts";
import { type IpsetMessage, readIpsetMessage, readRefusedMessage } from "../ipset/message.ts";
import { readOutcome, unknownOutcome } from "../ipset/outcome.ts";
import type { AuditRecord } from "../output/record.ts";
import { SetTypes } from "./set-types.ts";

const ENOENT = 2;

export class Recorder {
  readonly #backend: string;
  readonly #hostname = hostname();
  readonly #ownNetns = ownNetns();
  readonly #types = new SetTypes();
  readonly #userName: AuditRecord["userName"];
  readonly #findCgroup: AuditRecord["findCgroup"];

  constructor(backend: string) {
    const users = new UserNames();
    const cgroups = new Cgroups();
    this.#backend = backend;
    this.#userName = (uid) => users.of(uid);
    this.#findCgroup = (id) => cgroups.find(id);
  }

  /** @param realtimeOffsetNs what to add to the event's time for nanoseconds since 1970. */
  record(event: MineEvent, realtimeOffsetNs: bigint): AuditRecord {
    const read = isDenied(event) ? readRefusedMessage : readIpsetMessage;
    const message = read(event.message, event.capturedLen === event.messageLen);
    // What the handler told the caller by itself says more than the -EINTR it then returns.
    const result = event.answer || event.result;
    const setType = result === 0 ? undefined : this.#types.of(event.netns, message);
    const outcome = event.isUnanswered ? unknownOutcome : readOutcome(message.command, result, setType);
    this.#types.learn(event.netns, message, outcome);
    const hasFailed = !outcome.succeeded && !outcome.isUnknown;
    const failedElement = hasFailed ? elementAtFault(message, event.reply) : undefined;
    return {
      event,
      message,
      outcome,
      failedElement,
      appliedCount: hasFailed ? countApplied(event, message, result, failedElement) : undefined,
      timeNs: event.tsNs + realtimeOffsetNs,
      hostname: this.#hostname,
      ownNetns: this.#ownNetns,
      backend: this.#backend,
      userName: this.#userName,
      findCgroup: this.#findCgroup,
    };
  }
}

/** With the error the kernel sends back the message, and in it the line at fault. */
function elementAtFault({ elements }: IpsetMessage, reply: Uint8Array): number | undefined {
  const { lineNumber: line } = readIpsetMessage(reply, false);
  if (line === undefined || !elements) return undefined;
  let found: number | undefined;
  for (let index = 0; index < elements.length; index++) {
    if (elements.lineNumber(index) !== line) continue;
    // ipset(8) gives each element its own line; where another program does not, the line does not tell.
    if (found !== undefined) return undefined;
    found = index;
  }
  return found;
}

/** The kernel takes the elements in turn, and stops at the first that fails. */
function countApplied(
  { isRefused, capturedLen, messageLen }: MineEvent,
  { command, elements, unknown = [] }: IpsetMessage,
  result: number,
  failedElement: number | undefined,
): number | undefined {
  if ((command !== "ADD" && command !== "DEL") || !elements) return undefined;
  if (failedElement !== undefined) return failedElement;
  if (isRefused || result === -ENOENT) return 0; // it did not come to the elements
  // What is no element stops the kernel as well.
  const isAlone = elements.length <= 1 && unknown.every(({ level }) => level !== "batch");
  return isAlone && capturedLen === messageLen ? 0 : undefined;
}
