// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes netlink messages as ipset(8) sends them: an encoder of its own, from linux/netlink.h and
// linux/netfilter/nfnetlink.h, so that what reads them is not tested against itself.

export const NLA_F_NESTED = 0x8000;
export const NLA_F_NET_BYTEORDER = 0x4000;

const NFNL_SUBSYS_IPSET = 6;
const IPSET_ATTR_PROTOCOL = 1;
const IPSET_PROTOCOL = 7;

/** A string as ipset(8) sends it, with its NUL. */
export const zeroEnded = (text: string): Buffer => Buffer.from(`${text}\0`);

/** @param claimedLength what nla_len says, where that is not the truth. */
export function attribute(type: number, payload: Uint8Array, claimedLength = 4 + payload.length): Buffer {
  const bytes = Buffer.alloc(Math.ceil((4 + payload.length) / 4) * 4);
  bytes.writeUInt16LE(claimedLength, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(payload, 4);
  return bytes;
}

/** struct nlmsghdr, struct nfgenmsg and these attributes, nothing more. */
export function bareMessage(command: number, ...attributes: Uint8Array[]): Buffer {
  const headers = Buffer.alloc(20);
  const message = Buffer.concat([headers, ...attributes]);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE((NFNL_SUBSYS_IPSET << 8) | command, 4);
  message.writeUInt16LE(0x0005, 6); // NLM_F_REQUEST | NLM_F_ACK
  message.writeUInt32LE(1616112000, 8); // a sequence number
  message.writeUInt8(2, 16); // AF_INET
  return message;
}

/** The same with the version of the protocol in front, as every real request has it. */
export const ipsetMessage = (command: number, ...attributes: Uint8Array[]): Buffer =>
  bareMessage(command, attribute(IPSET_ATTR_PROTOCOL, Buffer.from([IPSET_PROTOCOL])), ...attributes);
