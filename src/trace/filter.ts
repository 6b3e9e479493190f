// Which events are wanted. What can be is decided in the kernel; the rest here, and counted.

import type { KernelFilter } from "../backends/load.ts";
import { AUDIT_UID_UNSET } from "../events/event.ts";
import { type Command, commands, type IpsetMessage } from "../ipset/message.ts";
import type { AuditRecord } from "../output/record.ts";
import type { Config } from "./config.ts";

type Wanted = Config["filter"];

/** The part that the kernel side decides. */
export function kernelFilter({
  output,
  filter,
}: Pick<Config, "output" | "filter">): Omit<KernelFilter, "check"> {
  const { commands, denied, pid, uid } = filter;
  return {
    commands: bits(commands),
    denied: bits(denied),
    pid: pid ?? 0,
    uid: uid ?? AUDIT_UID_UNSET,
    details: output === "json" ? 1 : 0,
  };
}

/** Bit N is command N. Numbers that no known ipset has are wanted by whoever wants everything. */
function bits(wanted: ReadonlySet<Command>): number {
  const known = commands.reduce((sum, command, bit) => (wanted.has(command) ? sum + 2 ** bit : sum), 0);
  return wanted.size === commands.length ? 0xffffffff : known;
}

/** These, when they name no set, are about all sets. */
const unlimited: ReadonlySet<Command | undefined> = new Set(["DESTROY", "FLUSH", "LIST", "SAVE"] as const);

/** The part that is decided here. */
export function isWanted({ set, comm, failed }: Wanted, { event, message, outcome }: AuditRecord): boolean {
  if (failed && (outcome.succeeded || outcome.isUnknown)) return false;
  if (comm !== undefined && comm !== text(event.comm)) return false;
  if (set === undefined) return true;
  const names = [message.setName, message.secondName].filter((name) => name !== undefined);
  if (names.some((name) => set(text(name)))) return true;
  if (event.capturedLen < event.messageLen && mayLackName(message)) return true;
  return names.length === 0 && unlimited.has(message.command);
}

/** Of a message that was cut: a name may be in what was not captured, and a sender must not hide a set so. */
function mayLackName({ command, setName, secondName, mayHaveMore }: IpsetMessage): boolean {
  const needsSecond = command === "RENAME" || command === "SWAP";
  return mayHaveMore === true || setName === undefined || (needsSecond && secondName === undefined);
}

/** As arguments come to us from the command line: what is not UTF-8 has become U+FFFD in both. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const text = (bytes: Uint8Array): string => decoder.decode(bytes);
