// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Builds the seccomp filter (x86-64) that refuses dangerous system calls. An attacker who takes over a thread
// cannot use them. The filter compares numbers. So it refuses all calls of another architecture, and all
// calls that are newer than this list.
import type { FilterInstruction } from "./ffi/credentials.ts";

/**
 * asm/unistd_64.h: system calls that start programs or change privileges, files, namespaces, the kernel or
 * other processes. Calls that can bypass this filter are here too.
 */
export const refused = {
  execve: 59,
  kill: 62,
  truncate: 76,
  ftruncate: 77,
  rename: 82,
  mkdir: 83,
  rmdir: 84,
  creat: 85,
  link: 86,
  unlink: 87,
  symlink: 88,
  chmod: 90,
  fchmod: 91,
  chown: 92,
  fchown: 93,
  lchown: 94,
  ptrace: 101,
  syslog: 103,
  setuid: 105,
  setgid: 106,
  setreuid: 113,
  setregid: 114,
  setgroups: 116,
  setresuid: 117,
  setresgid: 119,
  setfsuid: 122,
  setfsgid: 123,
  capset: 126,
  mknod: 133,
  personality: 135,
  modify_ldt: 154,
  pivot_root: 155,
  chroot: 161,
  acct: 163,
  settimeofday: 164,
  mount: 165,
  umount2: 166,
  swapon: 167,
  swapoff: 168,
  reboot: 169,
  sethostname: 170,
  setdomainname: 171,
  iopl: 172,
  ioperm: 173,
  init_module: 175,
  delete_module: 176,
  setxattr: 188,
  lsetxattr: 189,
  fsetxattr: 190,
  removexattr: 197,
  lremovexattr: 198,
  fremovexattr: 199,
  tkill: 200,
  clock_settime: 227,
  kexec_load: 246,
  add_key: 248,
  request_key: 249,
  keyctl: 250,
  mkdirat: 258,
  mknodat: 259,
  fchownat: 260,
  unlinkat: 263,
  renameat: 264,
  linkat: 265,
  symlinkat: 266,
  fchmodat: 268,
  unshare: 272,
  open_by_handle_at: 304,
  clock_adjtime: 305,
  setns: 308,
  process_vm_readv: 310,
  process_vm_writev: 311,
  finit_module: 313,
  renameat2: 316,
  kexec_file_load: 320,
  execveat: 322,
  userfaultfd: 323,
  pidfd_send_signal: 424,
  io_uring_setup: 425,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsmount: 432,
  pidfd_getfd: 438,
  mount_setattr: 442,
} as const;

/**
 * Calls whose arguments decide, openat2, and the newest known call. openat2 and all calls above the newest
 * one return ENOSYS, so that callers use older calls instead.
 */
export const judged = { open: 2, openat: 257, bpf: 321, openat2: 437, set_mempolicy_home_node: 450 } as const;
const NEWEST = judged.set_mempolicy_home_node;
const BPF_PROG_LOAD = 5;

// fcntl.h: an open without any of these flags is read-only. O_TMPFILE needs O_WRONLY or O_RDWR.
const O_ACCMODE = 0o3;
const O_CREAT = 0o100;
const O_TRUNC = 0o1000;
const O_APPEND = 0o2000;

// linux/bpf_common.h and linux/seccomp.h
const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
const IS = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IS_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const REFUSE = 0x00050000; // SECCOMP_RET_ERRNO
const EPERM = 1;
const ENOSYS = 38;
// struct seccomp_data { int nr; u32 arch; u64 instruction_pointer, args[6]; }
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number): number => 16 + 8 * index;
const AUDIT_ARCH_X86_64 = 0xc000003e;
const X32_BIT = 0x40000000;

type Label = "bpf" | "open" | "openat" | "flags" | "allow" | "refuse" | "missing";

interface Line {
  /** The label of this line, for jumps. */
  at?: Label;
  code: number;
  k: number;
  /** Jump targets. Without one, the next line follows. */
  yes?: Label;
  no?: Label;
}

export function syscallFilter(): FilterInstruction[] {
  return assemble([
    { code: LOAD, k: ARCHITECTURE },
    { code: IS, k: AUDIT_ARCH_X86_64, no: "refuse" },
    { code: LOAD, k: NUMBER },
    { code: IS_AT_LEAST, k: X32_BIT, yes: "refuse" },
    { code: IS_AT_LEAST, k: NEWEST + 1, yes: "missing" },
    { code: IS, k: judged.openat2, yes: "missing" },
    ...Object.values(refused).map((k): Line => ({ code: IS, k, yes: "refuse" })),
    { code: IS, k: judged.bpf, yes: "bpf" },
    { code: IS, k: judged.open, yes: "open" },
    { code: IS, k: judged.openat, yes: "openat", no: "allow" },
    { at: "bpf", code: LOAD, k: argument(0) },
    { code: IS, k: BPF_PROG_LOAD, yes: "refuse", no: "allow" },
    { at: "open", code: LOAD, k: argument(1) },
    { code: IS_AT_LEAST, k: 0, yes: "flags" },
    { at: "openat", code: LOAD, k: argument(2) },
    { at: "flags", code: AND, k: O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND },
    { code: IS, k: 0, yes: "allow", no: "refuse" },
    { at: "allow", code: RETURN, k: ALLOW },
    { at: "refuse", code: RETURN, k: REFUSE | EPERM },
    { at: "missing", code: RETURN, k: REFUSE | ENOSYS },
  ]);
}

function assemble(lines: readonly Line[]): FilterInstruction[] {
  const distance = (from: number, label: Label | undefined): number =>
    label === undefined ? 0 : lines.findIndex(({ at }) => at === label) - from - 1;
  return lines.map(({ code, k, yes, no }, index) => [code, distance(index, yes), distance(index, no), k]);
}
