// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The types of sets, with elements of each. All but the loose elements are written word by word as `ipset save` prints
// them, because record.test.ts compares mine's report with that.

export interface SetType {
  name: string;
  /** The type, and its mandatory options besides a family. */
  create: string;
  elements: [string, string, string, string];
  /** More elements, with the words that stand between an element and its extensions. */
  words?: string[];
  /** Elements that the kernel expands or changes. */
  loose: string[];
}

export const bitmaps: SetType[] = [
  {
    name: "bitmap:ip",
    create: "bitmap:ip range 10.0.0.0-10.0.255.255",
    elements: ["10.0.0.1", "10.0.0.2", "10.0.0.77", "10.0.255.255"],
    loose: ["10.0.1.0-10.0.1.9", "10.0.2.0/28", "10.0.3.3/32"],
  },
  {
    name: "bitmap:ip,mac",
    create: "bitmap:ip,mac range 10.0.0.0-10.0.0.255",
    elements: [
      "10.0.0.1,AA:BB:CC:DD:EE:0F",
      "10.0.0.2,00:00:00:00:00:01",
      "10.0.0.3,02:00:00:00:00:00",
      "10.0.0.9,FF:FF:FF:FF:FF:FE",
    ],
    loose: ["10.0.0.4", "10.0.0.5,aa:bb:cc:dd:ee:ff"],
  },
  {
    name: "bitmap:port",
    create: "bitmap:port range 0-1023",
    elements: ["0", "80", "443", "1023"],
    loose: ["100-110", "tcp:22", "http"],
  },
];

export const mac: SetType = {
  name: "hash:mac",
  create: "hash:mac",
  elements: ["01:02:03:04:05:06", "AA:BB:CC:DD:EE:FF", "00:00:00:00:00:01", "02:00:00:00:00:00"],
  loose: ["aa:bb:cc:dd:ee:0f"],
};

export const inet: SetType[] = [
  {
    name: "hash:ip",
    create: "hash:ip",
    elements: ["10.0.0.1", "255.255.255.255", "192.168.0.1", "1.2.3.4"],
    loose: ["10.1.0.1-10.1.0.5", "10.2.0.0/29", "10.3.0.1/32"],
  },
  {
    name: "hash:ip,mac",
    create: "hash:ip,mac",
    elements: [
      "10.0.0.1,AA:BB:CC:DD:EE:FF",
      "10.0.0.1,AA:BB:CC:DD:EE:FE",
      "10.0.0.2,00:00:00:00:00:01",
      "1.2.3.4,02:00:00:00:00:00",
    ],
    loose: ["10.0.0.9,aa:bb:cc:dd:ee:ff"],
  },
  {
    name: "hash:net",
    create: "hash:net",
    elements: ["10.0.0.0/24", "10.0.0.1", "0.0.0.0/1", "172.16.0.0/12"],
    words: ["10.0.0.128/25 nomatch"],
    loose: ["10.1.0.0-10.1.0.9", "10.2.3.4/16", "10.3.0.0/24 nomatch"],
  },
  {
    name: "hash:net,net",
    create: "hash:net,net",
    elements: [
      "10.0.0.0/24,192.168.0.0/16",
      "10.0.0.1,192.168.0.1",
      "10.0.0.0/8,192.168.7.0/24",
      "1.0.0.0/8,2.0.0.0/8",
    ],
    words: ["10.0.0.128/25,192.168.1.0/24 nomatch"],
    loose: ["10.1.0.0-10.1.0.9,192.168.0.0-192.168.0.9", "10.2.3.4/16,192.168.0.0-192.168.0.3"],
  },
  {
    name: "hash:ip,port",
    create: "hash:ip,port",
    elements: ["10.0.0.1,tcp:80", "10.0.0.1,udp:53", "10.0.0.1,sctp:80", "10.0.0.1,icmp:echo-request"],
    words: [
      "10.0.0.1,udplite:80",
      "10.0.0.1,gre:0",
      "10.0.0.1,200:0",
      "10.0.0.1,icmp:3/77",
      "10.0.0.1,tcp:0",
    ],
    loose: [
      "10.1.0.1,80",
      "10.1.0.9,http",
      "10.1.0.1,6:99",
      "10.1.0.1,icmp:ping",
      "10.1.0.2,tcp:100-109",
      "10.1.0.3-10.1.0.5,udp:7",
      "10.2.0.0/30,tcp:80-81",
    ],
  },
  {
    name: "hash:net,port",
    create: "hash:net,port",
    elements: ["10.0.0.0/24,tcp:80", "10.0.0.1,udp:53", "10.0.0.0/8,icmp:echo-reply", "1.0.0.0/8,sctp:9"],
    words: ["10.0.0.128/25,tcp:80 nomatch"],
    loose: ["10.1.0.0-10.1.0.9,udp:80-81", "10.2.3.4/16,80", "10.3.0.0/24,tcp:1-3 nomatch"],
  },
  {
    name: "hash:ip,port,ip",
    create: "hash:ip,port,ip",
    elements: [
      "10.0.0.1,tcp:80,10.0.0.9",
      "10.0.0.1,udp:80,10.0.0.9",
      "10.0.0.1,icmp:ttl-zero-during-transit,1.1.1.1",
      "1.1.1.1,sctp:1,2.2.2.2",
    ],
    loose: ["10.1.0.1-10.1.0.2,tcp:80-82,10.0.0.9", "10.2.0.0/30,udp:1,10.0.0.9"],
  },
  {
    name: "hash:ip,port,net",
    create: "hash:ip,port,net",
    elements: [
      "10.0.0.1,tcp:80,192.168.0.0/24",
      "10.0.0.1,tcp:80,192.168.0.9",
      "10.0.0.2,udp:53,10.0.0.0/8",
      "10.0.0.3,icmp:0/9,1.0.0.0/8",
    ],
    words: ["10.0.0.1,tcp:80,192.168.0.128/25 nomatch"],
    loose: ["10.1.0.1-10.1.0.2,tcp:80-82,10.0.0.9-10.0.0.17", "10.2.0.0/30,tcp:1,10.0.0.77/24 nomatch"],
  },
  {
    name: "hash:net,port,net",
    create: "hash:net,port,net",
    elements: [
      "10.0.0.0/24,tcp:80,192.168.0.0/16",
      "10.0.0.1,tcp:80,192.168.0.1",
      "10.0.0.0/8,udp:53,192.168.0.0/24",
      "1.0.0.0/8,sctp:5,2.0.0.0/8",
    ],
    words: ["10.0.0.0/25,tcp:80,192.168.0.0/17 nomatch"],
    loose: ["10.1.0.0-10.1.0.9,tcp:80-81,192.168.0.0-192.168.0.9", "10.2.3.4/16,7,192.168.3.4/16"],
  },
  {
    name: "hash:ip,mark",
    create: "hash:ip,mark markmask 0x0000ffff",
    elements: [
      "10.0.0.1,0x00000063",
      "10.0.0.1,0x0000ffff",
      "10.0.0.2,0x00000001",
      "255.255.255.255,0x0000abcd",
    ],
    loose: ["10.1.0.1,99", "10.1.0.2,0xabcd1234", "10.1.0.3-10.1.0.5,0x00000007", "10.2.0.0/30,1"],
  },
  {
    name: "hash:net,iface",
    create: "hash:net,iface",
    elements: ["10.0.0.0/24,eth0", "10.0.0.1,eth0", "10.0.0.0/24,physdev:eth0", "0.0.0.0/0,lo"],
    words: ["10.0.0.0/25,eth1 nomatch", "10.0.0.0/8,eth wildcard", "10.0.0.0/9,physdev:ve nomatch wildcard"],
    loose: ["10.1.0.0-10.1.0.9,eth0", "10.2.3.4/16,physdev:eth0.1"],
  },
];

/** For IPv6 the kernel takes ranges of ports only, not of addresses. */
export const inet6: SetType[] = [
  {
    name: "hash:ip",
    create: "hash:ip",
    elements: ["2001:db8::1", "::1", "::ffff:10.0.0.1", "1:2:3:4:5:6:7:8"],
    loose: ["2001:DB8:0:0:0:0:0:2", "fe80::1/128"],
  },
  {
    name: "hash:ip,mac",
    create: "hash:ip,mac",
    elements: [
      "2001:db8::1,AA:BB:CC:DD:EE:FF",
      "2001:db8::1,AA:BB:CC:DD:EE:FE",
      "::1,00:00:00:00:00:01",
      "1::,02:00:00:00:00:00",
    ],
    loose: ["::2,aa:bb:cc:dd:ee:ff"],
  },
  {
    name: "hash:net",
    create: "hash:net",
    elements: ["2001:db8::/32", "2001:db8::1", "fe80::/64", "::/1"],
    words: ["2001:db8:1::/48 nomatch"],
    loose: ["2001:db8:2::7/48", "fe80::7/64 nomatch"],
  },
  {
    name: "hash:net,net",
    create: "hash:net,net",
    elements: ["2001:db8::/64,fe80::/64", "::1,::2", "2001:db8::/32,fe80::/10", "1::/16,2::/16"],
    words: ["2001:db8:0:0:8000::/65,fe80::/66 nomatch"],
    loose: ["2001:db8:2::7/48,fe80::7/64"],
  },
  {
    name: "hash:ip,port",
    create: "hash:ip,port",
    elements: [
      "2001:db8::1,tcp:80",
      "2001:db8::1,udp:53",
      "::1,ipv6-icmp:echo-request",
      "::1,ipv6-icmp:99/7",
    ],
    words: ["::1,sctp:65535", "::1,esp:0", "::1,201:0"],
    loose: ["::2,udp:1-9", "::2,icmpv6:135/0", "::2,80", "::2,58:1/0"],
  },
  {
    name: "hash:net,port",
    create: "hash:net,port",
    elements: ["2001:db8::/32,tcp:80", "::1,ipv6-icmp:redirect", "fe80::/10,udp:5", "1::/16,sctp:7"],
    words: ["2001:db8:1::/48,tcp:80 nomatch"],
    loose: ["2001:db8:2::7/48,tcp:1-4", "fe80::7/64,icmpv6:1/0 nomatch"],
  },
  {
    name: "hash:ip,port,ip",
    create: "hash:ip,port,ip",
    elements: [
      "2001:db8::1,udp:53,2001:db8::2",
      "2001:db8::1,ipv6-icmp:no-route,2001:db8::2",
      "::1,tcp:1,::2",
      "1::,sctp:2,2::",
    ],
    loose: ["::3,tcp:1-3,::4"],
  },
  {
    name: "hash:ip,port,net",
    create: "hash:ip,port,net",
    elements: [
      "2001:db8::1,tcp:80,2001:db8:1::/48",
      "2001:db8::1,tcp:80,2001:db8:1::1",
      "::1,udp:1,fe80::/10",
      "1::,sctp:2,2::/16",
    ],
    words: ["2001:db8::1,tcp:80,2001:db8:1:1::/64 nomatch"],
    loose: ["::3,tcp:1-3,2001:db8:2::7/48"],
  },
  {
    name: "hash:net,port,net",
    create: "hash:net,port,net",
    elements: [
      "2001:db8::/32,tcp:80,2001:db8:1::/48",
      "::1,tcp:80,::2",
      "fe80::/10,udp:9,::/1",
      "1::/16,sctp:2,2::/16",
    ],
    words: ["2001:db8::/33,tcp:80,2001:db8:1::/49 nomatch"],
    loose: ["2001:db8:2::7/48,tcp:1-3,fe80::7/64"],
  },
  {
    name: "hash:ip,mark",
    create: "hash:ip,mark markmask 0xff0000ff",
    elements: ["2001:db8::1,0xff0000ff", "2001:db8::1,0x00000001", "::1,0x01000000", "1::,0x02000003"],
    loose: ["2001:db8::2,99", "2001:db8::3,0xffffffff"],
  },
  {
    name: "hash:net,iface",
    create: "hash:net,iface",
    elements: ["2001:db8::/32,eth0", "::1,lo", "::/0,physdev:lo", "1::/16,eth0"],
    words: ["2001:db8::/33,eth1 nomatch", "2001:db8::/34,ve wildcard"],
    loose: ["2001:db8:2::7/48,eth0"],
  },
];
