// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The commands that record.test.ts records and replays: every set type, in each of its families, with every option and
// every form of an element. record.sh describes the lines. They give an initial value where the kernel takes one,
// because each machine would choose its own. Strings are latin1: comments need not be UTF-8.

import { bitmaps, inet, inet6, mac, type SetType } from "./types.ts";

/** Features that came to the kernel after 5.10. */
export interface KernelHas {
  /** Linux 5.11: bucketsize and initval. */
  initval: boolean;
  /** Linux 6.2: bitmask, and netmask for more types than hash:ip. */
  bitmask: boolean;
}

/**
 * Suffix for names of sets whose elements are typed in another form than `ipset save` prints: ranges, defaults,
 * elements that the kernel changes.
 */
export const LOOSE = ".loose";

/** Timeouts are multiples of 1000: they count down, and record.test.ts rounds the remaining time up again. */
const extensions = "timeout 2000000 counters comment skbinfo";
const comments = [
  "plain",
  "two words",
  "caf\xc3\xa9 \xe2\x80\x93 ; # * |",
  "add all 10.0.0.1 timeout 5",
  " ",
  "it's",
];

/** Comments for a few elements of `ipset restore`, which has no escapes. */
const strangeComments = [
  "back\\slash \\n",
  "\xff bad",
  "tab\there",
  "\x1b[31m",
  "$HOME `id`",
  "\xe2\x80\xae",
];

/** Returns all extensions of an element but its timeout, in the order in which `ipset save` prints them. */
function extra(number: number): string {
  const comment = comments[number % comments.length];
  const huge = 2n ** 64n - 1n - BigInt(number);
  return (
    `packets ${number === 1 ? huge : number} bytes ${number * 1500} comment "${comment}" ` +
    `skbmark 0x${(number * 0x1111).toString(16)}/0xffff skbprio ${number.toString(16)}:a skbqueue ${number}`
  );
}

/** Returns an element with all its extensions: in `10.0.0.0/8 nomatch` the timeout stands before the word. */
function full(element: string, number: number, timeout = number * 1000): string {
  const [what, ...words] = element.split(" ");
  return [what, `timeout ${timeout}`, ...words, extra(number)].join(" ");
}

/** Returns every kind of command on a set. */
function exercise(set: string, create: string, { elements, words = [] }: SetType): string[] {
  const [one = "", two = "", three = "", four = ""] = elements.map((element, at) => full(element, at + 1));
  return [
    `create ${set} ${create}`,
    `create ${set} ${create} -exist`,
    `- create ${set} ${create}`,
    `> add ${set} ${one}`,
    `add ${set} ${two}`,
    `add ${set} ${three}`,
    ...words.map((element, at) => `add ${set} ${full(element, at + 5)}`),
    `del ${set} ${elements[3]} -exist`,
    `- add ${set} ${two}`,
    `> -exist add ${set} ${full(elements[1], 9, 0)}`,
    `> test ${set} ${elements[0]}`,
    `- test ${set} ${elements[3]}`,
    `- del ${set} ${elements[3]}`,
    `add ${set} ${four}`,
    `del ${set} ${elements[3]}`,
    `del ${set} ${elements[0]}`,
    `add ${set} ${four}`,
    `add ${set} ${one}`,
    `add ${set} ${three}`,
    `add ${set} ${full(elements[0], 7)}`,
    "-",
    // Fill, flush, swap, rename and destroy sets.
    `create ${set}.b ${create}`,
    `add ${set}.b ${two}`,
    `add ${set}.b ${three}`,
    `swap ${set} ${set}.b`,
    `rename ${set}.b ${set}.c`,
    `create ${set}.d ${create}`,
    `add ${set}.d ${one}`,
    `flush ${set}.d`,
    `add ${set}.d ${two}`,
    `destroy ${set}.d`,
    `create ${set}.e ${create}`,
    `add ${set}.e ${one}`,
    `flush ${set}.e`,
  ];
}

/** Adds the elements to two sets, and deletes all but the first from one of them. */
function spread(set: string, create: string, loose: string[]): string[] {
  return [
    `create ${set}${LOOSE} ${create}`,
    ...loose.map((element) => `add ${set}${LOOSE} ${element}`),
    `create ${set}.b${LOOSE} ${create}`,
    ...loose.map((element) => `add ${set}.b${LOOSE} ${element}`),
    ...loose.slice(1).map((element) => `del ${set}.b${LOOSE} ${element.replace(" nomatch", "")}`),
  ];
}

const seedFor = ({ initval }: KernelHas): string => (initval ? " initval 0x0badcafe" : "");

/** Returns all options that go together. */
function hashOptions(type: SetType, kernelHas: KernelHas): string {
  const forceadd = type === mac ? "" : "forceadd";
  const seed = kernelHas.initval ? "bucketsize 8 initval 0x12345678" : "";
  return ["hashsize 64 maxelem 1000", extensions, forceadd, seed].join(" ");
}

function hash(type: SetType, family: string, kernelHas: KernelHas): string[] {
  const name = `${type.name}.${family === "inet" ? 4 : 6}`;
  const create = `${type.create} family ${family}`;
  return [
    ...exercise(name, `${create} ${hashOptions(type, kernelHas)}`, type),
    ...spread(name, `${create}${seedFor(kernelHas)}`, type.loose),
  ];
}

function lists(members: [string, string, string, string]): string[] {
  const [a, b, c, d] = members;
  return [
    ...exercise("list:set", `list:set size 16 ${extensions}`, {
      name: "list:set",
      create: "",
      elements: members,
      loose: [],
    }),
    `create order${LOOSE} list:set`,
    `> add order${LOOSE} ${a}`,
    `> add order${LOOSE} ${b} before ${a}`,
    `> add order${LOOSE} ${c} after ${b}`,
    `add order${LOOSE} ${d} before ${c}`,
    `> test order${LOOSE} ${b} before ${d}`,
    `- test order${LOOSE} ${b} after ${d}`,
    `> del order${LOOSE} ${a} after ${c}`,
    `- del order${LOOSE} ${a}`,
    `- add order${LOOSE} ${a} before ${a}`,
    `- add order${LOOSE} order${LOOSE}`,
    `- add order${LOOSE} nowhere`,
    `- rename ${b} elsewhere`,
    `- destroy ${b}`,
    `create small${LOOSE} list:set size 4`,
    ...members.map((member) => `add small${LOOSE} ${member}`),
  ];
}

export function workload(kernelHas: KernelHas): string[] {
  const seed = seedFor(kernelHas);
  return [
    ...bitmaps.flatMap((type) => [
      ...exercise(type.name, `${type.create} ${extensions}`, type),
      ...spread(type.name, type.create, type.loose),
    ]),
    ...exercise(mac.name, `${mac.create} ${hashOptions(mac, kernelHas)}`, mac),
    ...spread(mac.name, `${mac.create}${seed}`, mac.loose),
    ...inet.flatMap((type) => hash(type, "inet", kernelHas)),
    ...inet6.flatMap((type) => hash(type, "inet6", kernelHas)),
    ...lists(["hash:ip.4", "hash:mac", "bitmap:port", "hash:net.6"]),

    // Options that change elements, or that do not go together.
    `create netmask${LOOSE} hash:ip netmask 24${seed}`,
    `add netmask${LOOSE} 10.0.0.77`,
    `- add netmask${LOOSE} 10.0.0.78`,
    `create netmask6${LOOSE} hash:ip family inet6 netmask 64 comment${seed}`,
    `add netmask6${LOOSE} 2001:db8::7 comment "whole net"`,
    `create blocks${LOOSE} bitmap:ip range 10.0.0.0/8 netmask 16`,
    `add blocks${LOOSE} 10.7.8.9`,
    `create half${LOOSE} bitmap:ip range 10.0.0.128/25`,
    `add half${LOOSE} 10.0.0.200-10.0.0.220`,
    `- add half${LOOSE} 10.0.0.1`,
    `create default${LOOSE} hash:ip${seed}`,
    `create seldom${LOOSE} hash:ip timeout 0${seed}`,
    `add seldom${LOOSE} 10.0.0.1 timeout 5000`,
    `add seldom${LOOSE} 10.0.0.2`,
    `create strange hash:ip comment${seed}`,
    ...strangeComments.map((comment, at) => `add strange 10.0.0.${at} comment "${comment}"`),
    `create counted${LOOSE} hash:net counters${seed}`,
    `add counted${LOOSE} 10.0.0.0/24 bytes 7`,
    `- add counted${LOOSE} 10.1.0.0/24 comment "refused"`,
    `- add counted${LOOSE} 10.1.0.0/24 timeout 5`,
    `- add counted${LOOSE} 0.0.0.0/0`,
    `create marked${LOOSE} hash:ip skbinfo${seed}`,
    `add marked${LOOSE} 10.0.0.1 skbmark 0x11 skbprio 0:0 skbqueue 0`,
    ...(kernelHas.bitmask ? withBitmask(seed) : []),

    // A range that meets an existing element takes effect up to that element.
    `create met${LOOSE} hash:ip${seed}`,
    `add met${LOOSE} 10.0.0.3`,
    `- add met${LOOSE} 10.0.0.1-10.0.0.5`,
    `- del met${LOOSE} 10.0.0.2-10.0.0.5`,
    `> -exist add met${LOOSE} 10.0.0.10-10.0.0.14`,
    // The same in one message with other elements.
    `add met${LOOSE} 10.0.1.1`,
    `add met${LOOSE} 10.0.1.2-10.0.1.4`,
    `add met${LOOSE} 10.0.0.8-10.0.0.12`,
    `add met${LOOSE} 10.0.2.1`,
    "-",
    `add met${LOOSE} 10.0.0.10 -exist`,
    `add met${LOOSE} 10.0.3.0 -exist`,

    `create full${LOOSE} hash:ip maxelem 4${seed}`,
    ...[1, 2, 3, 4, 5, 6].map((host) => `add full${LOOSE} 10.0.0.${host}`),
    "-",
    "- swap hash:ip.4 hash:ip.6",
    "- swap hash:ip.4 nowhere",
    "> swap hash:ip.4 hash:ip.4.c",
    "- flush nowhere",
    "- list nowhere",
    "- rename hash:mac hash:mac.c",
    "- rename nowhere somewhere",
    "> save",
    "> list -name",
  ];
}

function withBitmask(seed: string): string[] {
  return [
    `create bits${LOOSE} hash:ip bitmask 255.255.0.255 counters${seed}`,
    `add bits${LOOSE} 10.1.2.3`,
    `create bits6${LOOSE} hash:ip family inet6 bitmask ffff:ffff::ffff${seed}`,
    `add bits6${LOOSE} 2001:db8:7::8`,
    `create pairs${LOOSE} hash:net,net bitmask 255.255.0.0${seed}`,
    `add pairs${LOOSE} 10.1.2.0/24,10.2.3.0/24`,
    `create ports${LOOSE} hash:ip,port netmask 24${seed}`,
    `add ports${LOOSE} 10.1.2.3,tcp:80`,
    `- create both hash:ip netmask 24 bitmask 255.0.0.0`,
  ];
}
