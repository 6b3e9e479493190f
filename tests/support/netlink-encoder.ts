// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Encodes netlink messages as ipset(8) sends them, from linux/netlink.h and linux/netfilter/nfnetlink.h.
// The encoder is independent, so that the decoder of mine is not tested against itself.

export const NLA_F_NESTED = 0x8000;
export const NLA_F_NET_BYTEORDER = 0x4000;

const NFNL_SUBSYS_IPSET = 6;
const IPSET_ATTR_PROTOCOL = 1;
const IPSET_PROTOCOL = 7;

/** Returns a string as ipset(8) sends it, with its NUL. */
export const zeroEnded = (text: string): Buffer => Buffer.from(`${text}\0`);

/** Encodes an attribute, padded to 4 bytes. @param claimedLength value of nla_len, to make it wrong. */
export function attribute(type: number, payload: Uint8Array, claimedLength = 4 + payload.length): Buffer {
  const bytes = Buffer.alloc(Math.ceil((4 + payload.length) / 4) * 4);
  bytes.writeUInt16LE(claimedLength, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(payload, 4);
  return bytes;
}

/** Encodes struct nlmsghdr, struct nfgenmsg and these attributes. */
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

/** Encodes a message with the protocol version first, as in every real request. */
export const ipsetMessage = (command: number, ...attributes: Uint8Array[]): Buffer =>
  bareMessage(command, attribute(IPSET_ATTR_PROTOCOL, Buffer.from([IPSET_PROTOCOL])), ...attributes);
