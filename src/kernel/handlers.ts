// The functions of ip_set that serve ipset's netlink messages: static, but stored in a callback table, so
// never inlined, and named the same from 4.15 to 7.x. net/netfilter/ipset/ip_set_core.c, ip_set_netlink_subsys_cb[].
//
// Not here: ip_set_add, ip_set_del, ip_set_test. They look alike and run for every packet.

import type { Command } from "../netlink/ipset-message.ts";

export interface Handler {
  symbol: string;
  /** What it serves; it need not be probed when none of them is wanted. */
  commands: readonly Command[];
  /** Missing on kernels before 4.20. */
  isOptional?: boolean;
}

/** Where the kernel answers the caller by other ways than a handler's result; not in ip_set, always there. */
export const answers = [
  { symbol: "netlink_unicast", program: "mine_unicast" },
  { symbol: "netlink_ack", program: "mine_ack" },
] as const;

export const handlers: readonly Handler[] = [
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
];
