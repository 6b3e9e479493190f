// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Functions of the C library that only src/host needs: credentials, namespaces, sockets, user names.
import { type FFIFunction, FFIType } from "bun:ffi";
import { type Address, openLibc, textWithin } from "bun-libbpf/ffi";

export const hostSymbols = {
  // long syscall(long number, ...): calls without a wrapper in glibc 2.17. The first argument is a pointer or
  // a number.
  syscall: {
    args: ["i64", "ptr", "i64", "i64", "i64", "i64"],
    returns: FFIType.i64_fast,
  },
  // int madvise(void *addr, size_t length, int advice)
  madvise: { args: ["ptr", "u64", "i32"], returns: "i32" },
  // int prctl(int option, unsigned long, unsigned long, unsigned long, unsigned long)
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  // int setresuid(uid_t real, uid_t effective, uid_t saved): the C library applies this and the next two to
  // all threads
  setresuid: { args: ["u32", "u32", "u32"], returns: "i32" },
  setresgid: { args: ["u32", "u32", "u32"], returns: "i32" },
  setgroups: { args: ["u64", "ptr"], returns: "i32" },
  // int getpwuid_r(uid_t, struct passwd *, char *buf, size_t buflen, struct passwd **result)
  getpwuid_r: { args: ["u32", "ptr", "ptr", "u64", "ptr"], returns: "i32" },
  // int unshare(int flags): changes the calling thread
  unshare: { args: ["i32"], returns: "i32" },
  // int setns(int fd, int nstype): changes the calling thread
  setns: { args: ["i32", "i32"], returns: "i32" },
  // int socket(int domain, int type, int protocol)
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  // int connect(int fd, const struct sockaddr *, socklen_t)
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  // int socketpair(int domain, int type, int protocol, int fds[2])
  socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  // int setsockopt(int fd, int level, int name, const void *value, socklen_t)
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  // int getsockname(int fd, struct sockaddr *, socklen_t *)
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  // ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *, socklen_t)
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: FFIType.i64_fast },
  // ssize_t sendmsg(int fd, const struct msghdr *, int flags)
  sendmsg: { args: ["i32", "ptr", "i32"], returns: FFIType.i64_fast },
  // ssize_t recvmsg(int fd, struct msghdr *, int flags)
  recvmsg: { args: ["i32", "ptr", "i32"], returns: FFIType.i64_fast },
  // ssize_t recv(int fd, void *buf, size_t len, int flags)
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: FFIType.i64_fast },
} as const satisfies Record<string, FFIFunction>;

export const libc = openLibc(hostSymbols);

const MADV_DONTNEED = 4;

/**
 * Drops pages from this process's memory. The kernel reads a page from its file again at the next access. The
 * pages must be unchanged: private changes would be lost.
 * @param start address of the first page.
 * @param length in bytes.
 */
export function dropFilePages(start: number, length: number): void {
  libc.madvise(start as Address, length, MADV_DONTNEED); // if it fails, the pages stay in memory
}

/** Returns the name of a user from NSS (files, sssd, LDAP); undefined if it has none. */
export function userName(uid: number): string | undefined {
  const passwd = new Uint8Array(64); // struct passwd; its first field is char *pw_name
  const strings = new Uint8Array(16384);
  const found = new BigUint64Array(1);
  const failed = libc.getpwuid_r(uid, passwd, strings, strings.length, found);
  if (failed || !found[0]) return undefined;
  return textWithin(strings, Number(new DataView(passwd.buffer).getBigUint64(0, true)));
}
