// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The functions of ip_set that handle ipset's netlink messages (ip_set_netlink_subsys_cb[] in
// net/netfilter/ipset/ip_set_core.c). They are static, but a callback table stores them, so the compiler
// never inlines them. Their names are the same from 4.15 to 7.x.
//
// ip_set_add, ip_set_del and ip_set_test are not here: they look alike, but run for every packet.

import type { Command } from "../ipset/message.ts";

interface Handler {
  symbol: string;
  /** Commands that the function handles. It needs no probe if none of them is wanted. */
  commands: readonly Command[];
  /** Whether kernels before 4.20 lack the function. */
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

/** Returns the handlers of these commands. */
export function handlersOf(wanted: ReadonlySet<Command>): readonly (Handler & { symbol: HandlerSymbol })[] {
  return handlers.filter(({ commands }) => commands.some((command) => wanted.has(command)));
}
