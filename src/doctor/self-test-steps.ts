// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The commands of the self-test, as ipset(8) sends them: every command that changes a set, with success and failure.
import type { Command } from "../ipset/message.ts";
import {
  data,
  ip,
  lineNumber,
  NLM_F_CREATE,
  NLM_F_DUMP,
  NLM_F_EXCL,
  newName,
  setName,
  setType,
} from "../ipset/request.ts";

export const TYPE = "hash:ip";
const SET = "mine-doctor";
const RENAMED = "mine-renamed";
const ELEMENT = [192, 0, 2, 1] as const; // RFC 5737: reserved for documentation
const OTHER = [192, 0, 2, 2] as const;

export interface Step {
  /** Command in the syntax of ipset(8). */
  title: string;
  command: Command;
  /** Bits of nlmsg_flags besides NLM_F_REQUEST and NLM_F_ACK. */
  flags?: number;
  attributes: Uint8Array[];
}

/** The first step: its reply has the revision. */
export const typeQuery: Step = { title: `type ${TYPE}`, command: "TYPE", attributes: setType(TYPE) };

/** Returns the other steps. @param revision the kernel's revision of the type. */
export function stepsWith(revision: number): Step[] {
  const create: Step = {
    title: `create ${SET} ${TYPE}`,
    command: "CREATE",
    flags: NLM_F_CREATE | NLM_F_EXCL,
    attributes: [setName(SET), ...setType(TYPE, revision), data()],
  };
  const element = (command: "ADD" | "DEL" | "TEST", address: readonly number[]): Step => ({
    title: `${command.toLowerCase()} ${SET} ${address.join(".")}`,
    command,
    flags: command === "TEST" ? 0 : NLM_F_EXCL,
    attributes: [setName(SET), data(ip(address))],
  });
  const restored = (step: Step): Step => ({ ...step, attributes: [...step.attributes, lineNumber(1)] });
  const named = (command: Command, name: string, flags = 0): Step => ({
    title: `${command.toLowerCase()} ${name}`,
    command,
    flags,
    attributes: [setName(name)],
  });
  return [
    create,
    create, // fails: the set exists
    element("ADD", ELEMENT),
    restored(element("ADD", ELEMENT)), // fails: the element exists
    element("TEST", ELEMENT),
    element("TEST", OTHER),
    element("DEL", ELEMENT),
    named("SAVE", SET, NLM_F_DUMP),
    named("FLUSH", SET),
    {
      title: `rename ${SET} ${RENAMED}`,
      command: "RENAME",
      attributes: [setName(SET), newName(RENAMED)],
    },
    named("DESTROY", SET, NLM_F_EXCL), // fails: the set has another name
    named("LIST", RENAMED, NLM_F_DUMP),
    named("DESTROY", RENAMED),
  ];
}
