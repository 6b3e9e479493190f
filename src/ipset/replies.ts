// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reads the replies of the kernel on a netlink socket (UAPI linux/netlink.h). The last message of a reply has the
// result of the request.
import { type Attribute, readAttributes } from "./attributes.ts";

export interface Reply {
  /** Sequence number of the request. */
  sequence: number;
  /** 0 or -errno in the last message of a reply; undefined in the others. */
  answer: number | undefined;
  /** Attributes of a message that carries data. */
  attributes: Attribute[];
  /** The whole message, a view of the datagram. */
  bytes: Uint8Array;
}

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3; // after a dump
const HEADER_SIZE = 16; // struct nlmsghdr
const DATA_OFFSET = 20; // struct nlmsghdr and struct nfgenmsg

/** Returns the messages of a received datagram, up to the first malformed one. */
export function readReplies(datagram: Uint8Array): Reply[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const replies: Reply[] = [];
  for (let at = 0; datagram.length - at >= DATA_OFFSET; ) {
    const length = view.getUint32(at, true);
    if (length < DATA_OFFSET || length > datagram.length - at) break;
    const type = view.getUint16(at + 4, true);
    const sequence = view.getUint32(at + 8, true);
    const isEnd = type === NLMSG_ERROR || type === NLMSG_DONE;
    replies.push({
      sequence,
      answer: isEnd ? view.getInt32(at + HEADER_SIZE, true) : undefined,
      attributes: isEnd ? [] : readAttributes(datagram, at + DATA_OFFSET, at + length).attributes,
      bytes: datagram.subarray(at, at + length),
    });
    at += (length + 3) & ~3;
  }
  return replies;
}
