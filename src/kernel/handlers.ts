// The functions of ip_set that serve ipset's netlink messages: static, but stored in a callback table, so
// never inlined, and named the same from 4.15 to 7.x. net/netfilter/ipset/ip_set_core.c, ip_set_netlink_subsys_cb[].
//
// Not here: ip_set_add, ip_set_del, ip_set_test. They look alike and run for every packet.

export interface Handler {
  symbol: string;
  /** Asks something that ipset(8) needs to know before it does its work; reported only with --all. */
  isHandshake?: boolean;
  /** Missing on kernels before 4.20. */
  isOptional?: boolean;
}

export const handlers: readonly Handler[] = [
  { symbol: "ip_set_create" },
  { symbol: "ip_set_destroy" },
  { symbol: "ip_set_flush" },
  { symbol: "ip_set_rename" },
  { symbol: "ip_set_swap" },
  { symbol: "ip_set_dump" }, // LIST and SAVE
  { symbol: "ip_set_uadd" },
  { symbol: "ip_set_udel" },
  { symbol: "ip_set_utest" },
  { symbol: "ip_set_header", isHandshake: true },
  { symbol: "ip_set_type", isHandshake: true },
  { symbol: "ip_set_protocol", isHandshake: true },
  { symbol: "ip_set_byname", isHandshake: true, isOptional: true },
  { symbol: "ip_set_byindex", isHandshake: true, isOptional: true },
];
