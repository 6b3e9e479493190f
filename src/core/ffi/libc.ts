// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Calls of the C library for which JavaScript has no other way. After a failure, the very next call reads
// errno, before the runtime can change it.
import { read } from "bun:ffi";
import { closeSync, writeSync } from "node:fs";
import { CallError, errnoOf } from "../errors.ts";
import { type Address, asAddress, cString, memoryAt, packStruct } from "./memory.ts";
import { libcSymbols, openLibc } from "./symbols.ts";

/** The C library, for modules of this folder only. */
export const libc = openLibc(libcSymbols);

const EINVAL = 22;
const EINTR = 4;
const POLLIN = 0x001;
const POLLOUT = 0x004;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MFD_CLOEXEC = 0x1;
const MFD_ALLOW_SEALING = 0x2;
const MFD_NOEXEC_SEAL = 0x8;
const F_ADD_SEALS = 1033;
/** linux/fcntl.h: F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE. */
const ALL_SEALS = 0x1 | 0x2 | 0x4 | 0x8;
const PERF_FLAG_FD_CLOEXEC = 0x8;
const FSOPEN_CLOEXEC = 0x1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 0x1;

/**
 * System call numbers of asm/unistd.h. glibc has memfd_create(2) since 2.27. It has no wrapper for the
 * others, or its headers are too new. From 424 on, all architectures have the same numbers.
 */
const numbers = {
  ...{
    x64: { memfdCreate: 319, perfEventOpen: 298 },
    arm64: { memfdCreate: 279, perfEventOpen: 241 },
  }[process.arch as "x64" | "arm64"],
  ...{ fsopen: 430, fsconfig: 431, fsmount: 432 },
};

/** Returns the errno of the previous call. It is valid only as the very next call. */
export function errno(): number {
  const location = asAddress(libc.__errno_location());
  return location ? read.i32(location, 0) : 0;
}

/**
 * Creates an anonymous file in memory with these bytes. It is in no directory and closes on exec; its path is
 * /proc/self/fd/N.
 * @returns its descriptor.
 * @throws CallError: EFBIG if the size of files is limited.
 */
export function memoryFile(name: string, bytes: Uint8Array): number {
  const fd = memfdCreate(name);
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    return fd;
  } catch (error) {
    closeSync(fd);
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    throw new CallError("write to a file in memory", errno);
  }
}

/** Seals a file in memory: no process can change it afterwards. @throws CallError. */
export function seal(fd: number): void {
  if (libc.fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0) throw new CallError("fcntl(F_ADD_SEALS)", errno());
}

function memfdCreate(name: string): number {
  const nameBytes = cString(name);
  // Since 6.3 the kernel expects a memfd to state whether it is executable (vm.memfd_noexec can require it).
  // To map its code needs no execute bit. Older kernels refuse the flag.
  const usual = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  for (const flags of [usual | MFD_NOEXEC_SEAL, usual]) {
    const fd = Number(libc.syscall(numbers.memfdCreate, nameBytes, flags, 0, 0, 0));
    if (fd >= 0) return fd;
    const error = errno();
    if (error !== EINVAL) throw new CallError("memfd_create", error);
  }
  throw new CallError("memfd_create", EINVAL);
}

/**
 * Opens a perf event for all processes on CPU 0. perf_event_open(2) makes kprobes this way.
 * @throws CallError.
 */
export function perfEventOpen(attributes: Uint8Array): number {
  const anyProcess = -1;
  const fd = Number(libc.syscall(numbers.perfEventOpen, attributes, anyProcess, 0, -1, PERF_FLAG_FD_CLOEXEC));
  if (fd < 0) throw new CallError("perf_event_open", errno());
  return fd;
}

/**
 * Mounts a file system of this type where no other process sees it. The mount has no path and ends with its
 * descriptor. Linux has this since 5.2.
 * @returns the descriptor of its root; paths in it begin with /proc/self/fd/N.
 * @throws CallError.
 */
export function mountPrivately(type: string): number {
  const context = descriptor("fsopen", libc.syscall(numbers.fsopen, cString(type), FSOPEN_CLOEXEC, 0, 0, 0));
  try {
    const first = context as Address; // a number, as in the next call
    descriptor("fsconfig", libc.syscall(numbers.fsconfig, first, FSCONFIG_CMD_CREATE, 0, 0, 0));
    return descriptor("fsmount", libc.syscall(numbers.fsmount, first, FSMOUNT_CLOEXEC, 0, 0, 0));
  } finally {
    closeSync(context);
  }
}

/** Returns the result of a call: a descriptor or 0. @throws CallError. */
function descriptor(call: string, result: number | bigint): number {
  if (Number(result) < 0) throw new CallError(call, errno());
  return Number(result);
}

/** Returns whether a descriptor is a terminal. */
export const isTerminal = (fd: number): boolean => libc.isatty(fd) === 1;

/** Returns the bytes of a memory page: 4096 on x86-64, up to 65536 on arm64. */
export const pageSize = (): number => libc.getpagesize();

/** Memory shared with the kernel. Drop `bytes` before you dispose of it: a later access is a fault. */
export interface Mapping extends Disposable {
  bytes: ArrayBuffer;
}

export function mapShared(fd: number, length: number, offset: number, access: "read" | "write"): Mapping {
  const protection = access === "read" ? PROT_READ : PROT_READ | PROT_WRITE;
  const result = Number(libc.mmap(null, length, protection, MAP_SHARED, fd, offset));
  if (result === -1) throw new CallError("mmap", errno());
  const address = result as Address;
  return {
    bytes: memoryAt(address, length),
    [Symbol.dispose]: () => {
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

/** Waits for at most timeoutMs milliseconds. Returns false if a signal ends the wait. */
export const waitReadable = (fd: number, timeoutMs: number): boolean => poll(fd, POLLIN, timeoutMs);
export const waitWritable = (fd: number, timeoutMs: number): boolean => poll(fd, POLLOUT, timeoutMs);

/**
 * Returns the time of CLOCK_MONOTONIC in nanoseconds, which bpf_ktime_get_ns() counts too. The clocks of the
 * runtime start with the process instead. `realtimeOffsetNs` plus this time is CLOCK_REALTIME, in nanoseconds
 * since 1970.
 */
export function readClocks(): { monotonicNs: bigint; realtimeOffsetNs: bigint } {
  const monotonicNs = clock(1);
  return { monotonicNs, realtimeOffsetNs: clock(0) - monotonicNs };
}

/** Returns CLOCK_REALTIME minus CLOCK_BOOTTIME: the real time of the boot, in nanoseconds since 1970. */
export const realtimeAtBootNs = (): bigint => clock(0) - clock(7);

function clock(id: number): bigint {
  const time = new BigInt64Array(2); // struct timespec { seconds, nanoseconds }
  libc.clock_gettime(id, time);
  return (time[0] ?? 0n) * 1_000_000_000n + (time[1] ?? 0n);
}
