// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Filters events. The BPF side filters as far as possible; the rest is filtered and counted here.

import type { KernelFilter } from "../backends/load.ts";
import { AUDIT_UID_UNSET } from "../events/event.ts";
import { mineDetail } from "../events/skeleton.gen.ts";
import { type Command, commands, type IpsetMessage } from "../ipset/message.ts";
import type { AuditRecord } from "../output/record.ts";
import type { Config } from "./config.ts";

type Wanted = Config["filter"];

/**
 * Returns the part of the filter for the BPF side.
 * @param isUnified whether the cgroups of interest are those of the unified hierarchy.
 */
export function kernelFilter(
  { isDetailed, ancestry, filter }: Pick<Config, "isDetailed" | "ancestry" | "filter">,
  isUnified: boolean,
): Omit<KernelFilter, "check"> {
  const { commands, denied, pid, uid } = filter;
  return {
    commands: bits(commands),
    denied: bits(denied),
    pid: pid ?? 0,
    uid: uid ?? AUDIT_UID_UNSET,
    details: details(isDetailed, ancestry, isUnified),
  };
}

function details(isDetailed: boolean, ancestry: boolean, isUnified: boolean): number {
  const all = mineDetail.caller | mineDetail.ancestry | (isUnified ? 0 : mineDetail.systemdCgroup);
  return isDetailed ? all : ancestry ? mineDetail.ancestry : 0;
}

/** Returns bit N for command N. A filter for all commands includes unknown command numbers. */
function bits(wanted: ReadonlySet<Command>): number {
  const known = commands.reduce((sum, command, bit) => (wanted.has(command) ? sum + 2 ** bit : sum), 0);
  return wanted.size === commands.length ? 0xffffffff : known;
}

/** Commands that apply to all sets if they name none. */
const unlimited: ReadonlySet<Command | undefined> = new Set(["DESTROY", "FLUSH", "LIST", "SAVE"] as const);

/** Returns true if a record passes the part of the filter for user space. */
export function isWanted({ set, comm, failed }: Wanted, { event, message, outcome }: AuditRecord): boolean {
  if (failed && outcome.status !== "failure") return false;
  if (comm !== undefined && comm !== text(event.comm)) return false;
  if (set === undefined) return true;
  const names = [message.setName, message.secondName].filter((name) => name !== undefined);
  if (names.some((name) => set(text(name)))) return true;
  if (event.capturedLen < event.messageLen && mayLackName(message)) return true;
  return names.length === 0 && unlimited.has(message.command);
}

/** Returns true if a truncated message can have a name in its missing part: a sender must not hide a set this way. */
function mayLackName({ command, setName, secondName, mayHaveMore }: IpsetMessage): boolean {
  const needsSecond = command === "RENAME" || command === "SWAP";
  return mayHaveMore === true || setName === undefined || (needsSecond && secondName === undefined);
}

/** Decodes names like arguments of the command line: invalid UTF-8 becomes U+FFFD in both. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const text = (bytes: Uint8Array): string => decoder.decode(bytes);
