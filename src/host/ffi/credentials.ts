// Giving up rights that are not needed any more. The trap: user and capabilities belong to each thread. The C library
// sees to it that its own calls are made by all of them; a bare system call is that of the calling thread alone.
import { CallError } from "../../core/errors.ts";
import { errno } from "../../core/ffi/libc.ts";
import { type Address, addressOf, packStruct } from "../../core/ffi/memory.ts";
import { libc, numbers } from "./libc.ts";

const EBUSY = 16;
const PR_SET_KEEPCAPS = 8;
const PR_SET_NO_NEW_PRIVS = 38;
const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;

/** Leaves this thread, and those that it will start, no capabilities but these: bit N is capability N. */
export function keepCapabilities(kept: bigint): void {
  // struct __user_cap_header_struct { u32 version; int pid; }
  const header = new Uint32Array([LINUX_CAPABILITY_VERSION_3, 0]);
  // struct __user_cap_data_struct { u32 effective, permitted, inheritable; }, twice: the lower and the upper 32
  const low = Number(kept & 0xffffffffn);
  const high = Number(kept >> 32n);
  const data = new Uint8Array(new Uint32Array([low, low, 0, high, high, 0]).buffer);
  check("capset", Number(libc.syscall(numbers.capset, header, addressOf(data), 0, 0, 0)));
}

/**
 * All threads of this process become this user and lose all capabilities; only the calling one may take some of its
 * own back, by keepCapabilities().
 */
export function leaveRoot(uid: number): void {
  check("prctl(PR_SET_KEEPCAPS)", libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  check("setgroups", libc.setgroups(0, null));
  check("setresgid", libc.setresgid(uid, uid, uid));
  check("setresuid", libc.setresuid(uid, uid, uid));
}

/** The calling thread alone, after leaveRoot(). @param capabilities what it has then. */
export function returnToRoot(capabilities: bigint): void {
  keepCapabilities(capabilities); // one of them allows the next call
  const root = 0 as Address; // a number here
  check("setresuid", Number(libc.syscall(numbers.setresuid, root, 0, 0, 0, 0)));
}

function check(call: string, result: number): void {
  if (result < 0) throw new CallError(call, errno());
}

/** linux/filter.h: struct sock_filter { u16 code; u8 jt, jf; u32 k; }, what a seccomp filter is made of. */
export type FilterInstruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** In all threads of this process: whatever it may execute gains it no privilege, and this filter decides its calls. */
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
  const mode = SECCOMP_SET_MODE_FILTER as Address; // a number here
  const flags = SECCOMP_FILTER_FLAG_TSYNC;
  // A thread that has a filter of its own cannot be made to follow, and is the result then.
  const result = Number(libc.syscall(numbers.seccomp, mode, flags, addressOf(program), 0, 0));
  if (result !== 0) throw new CallError("seccomp", result < 0 ? errno() : EBUSY);
}
