// One event as one line of text:
//   (2021/03/19_01:01) ipset (pid: 17436) (username: root - uid: 0) - CREATE test (type: hash:ip) - SUCCESS
import { accountableUid, type MineEvent } from "../events/event.ts";
import type { IpsetMessage } from "../netlink/ipset-message.ts";
import type { Outcome } from "../netlink/ipset-result.ts";
import { hex, word } from "./escape.ts";
import { formatElement } from "./ipset-text.ts";
import type { AuditRecord } from "./record.ts";

const SHOWN_MALFORMED_BYTES = 64;
/** Of a batch; the JSON output has them all. */
const SHOWN_ELEMENTS = 2;

/** @returns the line, without its end. */
export function formatText({
  event,
  message,
  outcome,
  failedElement,
  timeNs,
  userName,
}: AuditRecord): string {
  const uid = accountableUid(event);
  const user = userName(uid);
  const name = user === undefined ? "<unknown>" : word(new TextEncoder().encode(user));
  const who = `${word(event.comm)} (pid: ${event.pid}) (username: ${name} - uid: ${uid})`;
  const time = new Date(Number(timeNs / 1_000_000n));
  const element = failedElement === undefined ? undefined : message.elements?.[failedElement];
  // Which of several; of one alone there is no question.
  const culprit = element && message.elements?.length !== 1 ? `${formatElement(element)}: ` : "";
  return `(${minute(time)}) ${who} - ${what(event, message)} - ${result(outcome, culprit)}`;
}

function what(event: MineEvent, message: IpsetMessage): string {
  const command = message.command ?? `COMMAND ${message.commandNumber}`;
  const isWhole = event.message.length >= event.messageLen;
  const parts = [command, subject(message, isWhole), elementList(message)];
  if (message.ignoresExisting) parts.push("-exist");
  if (!isWhole) {
    parts.push(`<truncated: ${event.message.length} of ${event.messageLen} bytes>`);
  }
  if (message.malformed) {
    parts.push(`<malformed: ${message.malformed}: ${hex(event.message, SHOWN_MALFORMED_BYTES)}>`);
  }
  return parts.filter((part) => part !== "").join(" ");
}

/** What is missing from a message that was cut may well have been there: nothing is then said of it. */
function subject(message: IpsetMessage, isWhole: boolean): string {
  const missing = (what: string): string => (isWhole ? `<${what}>` : "<cut off>");
  const set = message.setName ? word(message.setName) : undefined;
  const second = message.secondName ? word(message.secondName) : missing("no set");
  const type = message.typeName ? word(message.typeName) : missing("no type");
  switch (message.command) {
    case "PROTOCOL":
      return "";
    case "TYPE":
      return type;
    case "GET_BYINDEX":
      return message.index === undefined ? missing("no index") : String(message.index);
    case "CREATE":
      return `${set ?? missing("no set")} (type: ${type})`;
    case "RENAME":
      return `${set ?? missing("no set")} -> ${second}`;
    case "SWAP":
      return `${set ?? missing("no set")} <-> ${second}`;
    case "DESTROY":
    case "FLUSH":
    case "LIST":
    case "SAVE":
      return set ?? missing("all sets");
    default:
      return set ?? missing("no set");
  }
}

/** `10.0.0.1, 10.0.0.2 (+164 more)` */
function elementList({ elements = [] }: IpsetMessage): string {
  const shown = elements.slice(0, SHOWN_ELEMENTS).map(formatElement).join(", ");
  const more = elements.length - SHOWN_ELEMENTS;
  return more > 0 ? `${shown} (+${more} more)` : shown;
}

function result({ succeeded, sentence }: Outcome, culprit: string): string {
  const head = succeeded ? "SUCCESS" : "ERROR";
  return sentence ? `${head} (${culprit}${sentence})` : head;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Local time, as people read logs: 2021/03/19_01:01. */
function minute(time: Date): string {
  const day = `${time.getFullYear()}/${two(time.getMonth() + 1)}/${two(time.getDate())}`;
  return `${day}_${two(time.getHours())}:${two(time.getMinutes())}`;
}
