// One event as one line of text:
//   (2021/03/19_01:01) ipset (pid: 17436) (username: root - uid: 0) - CREATE test (type: hash:ip) - SUCCESS
import type { MineEvent } from "../events/event.ts";
import type { IpsetMessage } from "../netlink/ipset-message.ts";
import type { Outcome } from "../netlink/ipset-result.ts";
import { hex, word } from "./escape.ts";

const SHOWN_MALFORMED_BYTES = 64;

export interface Line {
  event: MineEvent;
  message: IpsetMessage;
  outcome: Outcome;
  time: Date;
  /** Who is named: the login user where there is one. */
  uid: number;
  userName: string | undefined;
}

/** @returns the line, without its end. */
export function formatText({ event, message, outcome, time, uid, userName }: Line): string {
  const name = userName === undefined ? "<unknown>" : word(new TextEncoder().encode(userName));
  const who = `${word(event.comm)} (pid: ${event.pid}) (username: ${name} - uid: ${uid})`;
  return `(${minute(time)}) ${who} - ${what(event, message)} - ${result(outcome)}`;
}

function what(event: MineEvent, message: IpsetMessage): string {
  const command = message.command ?? `COMMAND ${message.commandNumber}`;
  const isWhole = event.message.length >= event.messageLen;
  const parts = [command, subject(message, isWhole)];
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

function result({ succeeded, sentence }: Outcome): string {
  const head = succeeded ? "SUCCESS" : "ERROR";
  return sentence ? `${head} (${sentence})` : head;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Local time, as people read logs: 2021/03/19_01:01. */
function minute(time: Date): string {
  const day = `${time.getFullYear()}/${two(time.getMonth() + 1)}/${two(time.getDate())}`;
  return `${day}_${two(time.getHours())}:${two(time.getMinutes())}`;
}
