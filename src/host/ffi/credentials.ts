// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Drops privileges. Each thread has its own user and capabilities. The C library applies its own calls to all
// threads. A bare system call changes only the calling thread.
import { readFileSync } from "node:fs";
import { CallError } from "bun-libbpf/errors";
import { type Address, addressOf, errno, packStruct } from "bun-libbpf/ffi";
import { ownSyscall } from "../syscalls.ts";
import { libc } from "./libc.ts";

const EBUSY = 16;
const PR_SET_KEEPCAPS = 8;
const PR_SET_NO_NEW_PRIVS = 38;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;

/**
 * Keeps only these capabilities in the calling thread and in threads that it starts.
 * @param kept bit N is capability N.
 * @throws CallError.
 */
export function keepCapabilities(kept: bigint): void {
  // struct __user_cap_header_struct { u32 version; int pid; }
  const header = new Uint32Array([LINUX_CAPABILITY_VERSION_3, 0]);
  // struct __user_cap_data_struct { u32 effective, permitted, inheritable; }, twice: the lower and the upper
  // 32 bits
  const low = Number(kept & 0xffffffffn);
  const high = Number(kept >> 32n);
  const data = new Uint8Array(new Uint32Array([low, low, 0, high, high, 0]).buffer);
  check("capset", Number(libc.syscall(ownSyscall("capset"), header, addressOf(data), 0, 0, 0)));
}

/**
 * Changes all threads of this process to this user, without capabilities. Only the calling thread can regain
 * its own, through keepCapabilities().
 * @throws CallError.
 */
export function leaveRoot(uid: number): void {
  check("prctl(PR_SET_KEEPCAPS)", libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  check("setgroups", libc.setgroups(0, null));
  check("setresgid", libc.setresgid(uid, uid, uid));
  check("setresuid", libc.setresuid(uid, uid, uid));
}

/**
 * Changes the calling thread back to uid 0, after leaveRoot().
 * @param capabilities the capabilities of the thread after the call.
 * @throws CallError.
 */
export function returnToRoot(capabilities: bigint): void {
  keepCapabilities(capabilities); // CAP_SETUID allows the next call
  const root = 0 as Address; // a number, not a pointer
  check("setresuid", Number(libc.syscall(ownSyscall("setresuid"), root, 0, 0, 0, 0)));
}

/** Runs a function while the calling thread has these group ids. @throws CallError. */
export function withGroups<Result>(
  real: number,
  effective: number,
  saved: number,
  run: () => Result,
): Result {
  const change = (gids: readonly number[]): void => {
    const [first = 0, second = 0, third = 0] = gids;
    check("setresgid", Number(libc.syscall(ownSyscall("setresgid"), first as Address, second, third, 0, 0)));
  };
  const own = ownGroups();
  change([real, effective, saved]);
  try {
    return run();
  } finally {
    change(own);
  }
}

/** Returns the real, effective and saved group id of the calling thread. */
function ownGroups(): number[] {
  const line = /^Gid:\s+(\d+)\s+(\d+)\s+(\d+)/m.exec(readFileSync("/proc/thread-self/status", "utf8"));
  return (line?.slice(1) ?? []).map(Number);
}

function check(call: string, result: number): void {
  if (result < 0) throw new CallError(call, errno());
}

/**
 * One instruction of a seccomp filter: struct sock_filter { u16 code; u8 jt, jf; u32 k; } of linux/filter.h.
 */
export type FilterInstruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/**
 * Installs a system call filter in all threads of this process, and sets no_new_privs: to execute a file then
 * gains no privilege.
 * @throws CallError.
 */
export function filterSyscalls(instructions: readonly FilterInstruction[]): void {
  check("prctl(PR_SET_NO_NEW_PRIVS)", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  const filter = new DataView(new ArrayBuffer(8 * instructions.length));
  for (const [index, [code, jumpTrue, jumpFalse, k]] of instructions.entries()) {
    filter.setUint16(8 * index, code, true);
    filter.setUint8(8 * index + 2, jumpTrue);
    filter.setUint8(8 * index + 3, jumpFalse);
    filter.setUint32(8 * index + 4, k, true);
  }
  // struct sock_fprog { u16 len; struct sock_filter *filter; }
  const program = packStruct(16, [
    [0, instructions.length],
    [8, new Uint8Array(filter.buffer)],
  ]);
  const mode = SECCOMP_SET_MODE_FILTER as Address; // a number, not a pointer
  const flags = SECCOMP_FILTER_FLAG_TSYNC;
  // The result is a thread's id if that thread has a filter of its own and cannot be synchronized.
  const result = Number(libc.syscall(ownSyscall("seccomp"), mode, flags, addressOf(program), 0, 0));
  if (result !== 0) throw new CallError("seccomp", result < 0 ? errno() : EBUSY);
}
