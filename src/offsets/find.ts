// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds the offsets of the kernel fields that the BPF programs read. Each field has a value that this process knows
// or sets. An offset counts only if it is the single match, or the first one where the next has the same value.
import { NetlinkSocket } from "../host/ffi/netlink-socket.ts";
import type { Marks, Offsets } from "./fields.ts";
import { findBuffer, findSocket } from "./find-socket.ts";
import { findTask } from "./find-task.ts";
import type { KernelMemory } from "./kernel-memory.ts";

/** Requests that overrun a small receive buffer, at least. */
const OVERRUN = 150;

/**
 * Finds every offset.
 * @param round a number; another one gives other values.
 * @throws UnknownOffset.
 * @throws CallError.
 */
export function findOffsets(memory: KernelMemory, round: number): Offsets {
  const first = 0x6d69_6e00 + 16 * round;
  const marks: Marks = { ids: [first, first + 1, first + 2], requests: OVERRUN + 40 * round };
  using socket = NetlinkSocket.here();
  const buffer = findBuffer(memory, socket);
  return { ...buffer, ...findSocket(memory, buffer, marks), ...findTask(memory, socket, marks) };
}
