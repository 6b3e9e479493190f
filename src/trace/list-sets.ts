// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Asks the kernel for the sets of mine's network namespace. mine does so when it misses no command any more: a change
// after the list is an event. The answers stay bytes until mine is confined, because names are untrusted input.
import { CallError } from "bun-libbpf/errors";
import { NetlinkSocket } from "../host/ffi/netlink-socket.ts";
import { readReplies } from "../ipset/replies.ts";
import { setsRequest } from "../ipset/request.ts";
import { log } from "../log.ts";
import { randomNumber } from "./random-number.ts";

/** Max wait for the next answer. The kernel answers when mine asks, so it is never used up. */
const ANSWER_MS = 2000;
const ETIMEDOUT = 110;

export interface SetList {
  /** Inode number of the network namespace. */
  netns: number;
  /** Sequence number of the request, which no other process can guess. */
  sequence: number;
  /** The kernel's answers, for readListedSet(). */
  messages: Uint8Array[];
}

/** Returns the sets; undefined if the kernel does not list them. */
export function listSets(withElements: boolean): SetList | undefined {
  const sequence = randomNumber();
  try {
    using socket = NetlinkSocket.here();
    socket.send(setsRequest(sequence, withElements));
    return { netns: socket.netns, sequence, messages: receiveAll(socket, sequence) };
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    log.warn(`the record does not have the sets of the start: ${error.message}`);
    return undefined;
  }
}

function receiveAll(socket: NetlinkSocket, sequence: number): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let datagram = socket.receive(ANSWER_MS); datagram; datagram = socket.receive(ANSWER_MS)) {
    for (const reply of readReplies(datagram).filter((reply) => reply.sequence === sequence)) {
      const { answer, bytes } = reply;
      if (answer === 0) return messages;
      if (answer !== undefined) throw new CallError("netlink(IPSET_CMD_LIST)", -answer);
      messages.push(bytes.slice());
    }
  }
  throw new CallError("netlink(IPSET_CMD_LIST)", ETIMEDOUT);
}
