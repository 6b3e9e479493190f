// The C library: what has no other way from JavaScript. errno is read in the very next call, before the
// runtime can touch it.
import { read } from "bun:ffi";
import { closeSync } from "node:fs";
import { CallError } from "../errors.ts";
import { type Address, asAddress, cString, memoryAt, packStruct } from "./memory.ts";
import { libcSymbols, openLibc } from "./symbols.ts";

/** For this folder. */
export const libc = openLibc(libcSymbols);

const EINVAL = 22;
const EINTR = 4;
const POLLIN = 0x001;
const POLLOUT = 0x004;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MFD_CLOEXEC = 0x1;
const MFD_NOEXEC_SEAL = 0x8;
const PERF_FLAG_FD_CLOEXEC = 0x8;
const FSOPEN_CLOEXEC = 0x1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 0x1;

/**
 * asm/unistd.h: memfd_create(2) came to glibc in 2.27, the others never did, or with headers of their own. From
 * 424 on all architectures have the same numbers.
 */
const numbers = {
  ...{
    x64: { memfdCreate: 319, perfEventOpen: 298 },
    arm64: { memfdCreate: 279, perfEventOpen: 241 },
  }[process.arch as "x64" | "arm64"],
  ...{ fsopen: 430, fsconfig: 431, fsmount: 432 },
};

/** Of the call before, and only in the very next one. */
export function errno(): number {
  const location = asAddress(libc.__errno_location());
  return location ? read.i32(location, 0) : 0;
}

/** An anonymous file in memory: nothing in any directory, closed on exec. */
export function memfdCreate(name: string): number {
  const nameBytes = cString(name);
  // Since 6.3 a memfd is expected to say whether it is meant to be run (vm.memfd_noexec may insist);
  // mapping its code, all that is done here, needs no execute bit. Older kernels refuse the flag.
  for (const flags of [MFD_CLOEXEC | MFD_NOEXEC_SEAL, MFD_CLOEXEC]) {
    const fd = Number(libc.syscall(numbers.memfdCreate, nameBytes, flags, 0, 0, 0));
    if (fd >= 0) return fd;
    const error = errno();
    if (error !== EINVAL) throw new CallError("memfd_create", error);
  }
  throw new CallError("memfd_create", EINVAL);
}

/** Opens a perf event of every process on CPU 0, which is how a kprobe is asked for; see perf_event_open(2). */
export function perfEventOpen(attributes: Uint8Array): number {
  const anyProcess = -1;
  const fd = Number(libc.syscall(numbers.perfEventOpen, attributes, anyProcess, 0, -1, PERF_FLAG_FD_CLOEXEC));
  if (fd < 0) throw new CallError("perf_event_open", errno());
  return fd;
}

/**
 * Mounts a file system of this type where nobody sees it: attached nowhere, and gone with the descriptor.
 * Since Linux 5.2.
 * @returns the descriptor of its root; paths in it begin with /proc/self/fd/N.
 */
export function mountPrivately(type: string): number {
  const context = descriptor("fsopen", libc.syscall(numbers.fsopen, cString(type), FSOPEN_CLOEXEC, 0, 0, 0));
  try {
    const first = context as Address; // a number here, like in the next call
    descriptor("fsconfig", libc.syscall(numbers.fsconfig, first, FSCONFIG_CMD_CREATE, 0, 0, 0));
    return descriptor("fsmount", libc.syscall(numbers.fsmount, first, FSMOUNT_CLOEXEC, 0, 0, 0));
  } finally {
    closeSync(context);
  }
}

/** @returns what such a call returned, a descriptor or 0. */
function descriptor(call: string, result: number | bigint): number {
  if (Number(result) < 0) throw new CallError(call, errno());
  return Number(result);
}

/** Tells whether a descriptor is a terminal. */
export const isTerminal = (fd: number): boolean => libc.isatty(fd) === 1;

/** Bytes in a page of memory: 4096 on x86-64, up to 65536 on arm64. */
export const pageSize = (): number => libc.getpagesize();

/** Memory shared with the kernel. Using `bytes` after unmap() is a fault: drop it first. */
export interface Mapping {
  bytes: ArrayBuffer;
  unmap: () => void;
}

export function mapShared(fd: number, length: number, offset: number, access: "read" | "write"): Mapping {
  const protection = access === "read" ? PROT_READ : PROT_READ | PROT_WRITE;
  const result = Number(libc.mmap(null, length, protection, MAP_SHARED, fd, offset));
  if (result === -1) throw new CallError("mmap", errno());
  const address = result as Address;
  return {
    bytes: memoryAt(address, length),
    unmap: () => {
      libc.munmap(address, length);
    },
  };
}

function poll(fd: number, events: number, timeoutMs: number): boolean {
  // struct pollfd { int fd; short events, revents; }
  const ready = libc.poll(packStruct(8, [[0, fd + events * 2 ** 32]]), 1, timeoutMs);
  if (ready >= 0) return ready > 0;
  const error = errno();
  if (error === EINTR) return false;
  throw new CallError("poll", error);
}

/** Waits at most timeoutMs; an early end by a signal counts as "nothing there". */
export const waitReadable = (fd: number, timeoutMs: number): boolean => poll(fd, POLLIN, timeoutMs);
export const waitWritable = (fd: number, timeoutMs: number): boolean => poll(fd, POLLOUT, timeoutMs);

/**
 * Nanoseconds of CLOCK_MONOTONIC (what bpf_ktime_get_ns() counts; the runtime's own clocks start with the
 * process) and what to add for CLOCK_REALTIME, nanoseconds since 1970.
 */
export function readClocks(): { monotonicNs: bigint; realtimeOffsetNs: bigint } {
  const monotonicNs = clock(1);
  return { monotonicNs, realtimeOffsetNs: clock(0) - monotonicNs };
}

function clock(id: number): bigint {
  const time = new BigInt64Array(2); // struct timespec { seconds, nanoseconds }
  libc.clock_gettime(id, time);
  return (time[0] ?? 0n) * 1_000_000_000n + (time[1] ?? 0n);
}
