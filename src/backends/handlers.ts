// The functions of ip_set that serve ipset's netlink messages: static, but stored in a callback table, so
// never inlined, and named the same from 4.15 to 7.x. net/netfilter/ipset/ip_set_core.c, ip_set_netlink_subsys_cb[].
//
// Not here: ip_set_add, ip_set_del, ip_set_test. They look alike and run for every packet.

import type { Command } from "../ipset/message.ts";

interface Handler {
  symbol: string;
  /** What it serves; it need not be probed when none of them is wanted. */
  commands: readonly Command[];
  /** Missing on kernels before 4.20. */
  isOptional?: boolean;
}

const handlers = [
  { symbol: "ip_set_create", commands: ["CREATE"] },
  { symbol: "ip_set_destroy", commands: ["DESTROY"] },
  { symbol: "ip_set_flush", commands: ["FLUSH"] },
  { symbol: "ip_set_rename", commands: ["RENAME"] },
  { symbol: "ip_set_swap", commands: ["SWAP"] },
  { symbol: "ip_set_dump", commands: ["LIST", "SAVE"] },
  { symbol: "ip_set_uadd", commands: ["ADD"] },
  { symbol: "ip_set_udel", commands: ["DEL"] },
  { symbol: "ip_set_utest", commands: ["TEST"] },
  { symbol: "ip_set_header", commands: ["HEADER"] },
  { symbol: "ip_set_type", commands: ["TYPE"] },
  { symbol: "ip_set_protocol", commands: ["PROTOCOL"] },
  { symbol: "ip_set_byname", commands: ["GET_BYNAME"], isOptional: true },
  { symbol: "ip_set_byindex", commands: ["GET_BYINDEX"], isOptional: true },
] as const satisfies readonly Handler[];

export type HandlerSymbol = (typeof handlers)[number]["symbol"];

/** Those that serve at least one of these commands. */
export function handlersOf(wanted: ReadonlySet<Command>): readonly (Handler & { symbol: HandlerSymbol })[] {
  return handlers.filter(({ commands }) => commands.some((command) => wanted.has(command)));
}
