// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Builds the seccomp filter that refuses dangerous system calls. An attacker who takes over a thread
// cannot use them. The filter compares numbers. So it refuses all calls of another architecture, and all
// calls that are newer than this list.
import type { FilterInstruction } from "./ffi/credentials.ts";
import { type Architecture, type Syscall, syscallNumber } from "./syscalls.ts";

/**
 * System calls that start programs or change privileges, files, namespaces, the kernel or other processes. Calls that
 * can bypass this filter are here too.
 */
const refused = [
  "execve",
  "kill",
  "truncate",
  "ftruncate",
  "rename",
  "mkdir",
  "rmdir",
  "creat",
  "link",
  "unlink",
  "symlink",
  "chmod",
  "fchmod",
  "chown",
  "fchown",
  "lchown",
  "ptrace",
  "syslog",
  "setuid",
  "setgid",
  "setreuid",
  "setregid",
  "setgroups",
  "setresuid",
  "setresgid",
  "setfsuid",
  "setfsgid",
  "capset",
  "mknod",
  "personality",
  "modify_ldt",
  "pivot_root",
  "chroot",
  "acct",
  "settimeofday",
  "mount",
  "umount2",
  "swapon",
  "swapoff",
  "reboot",
  "sethostname",
  "setdomainname",
  "iopl",
  "ioperm",
  "init_module",
  "delete_module",
  "setxattr",
  "lsetxattr",
  "fsetxattr",
  "removexattr",
  "lremovexattr",
  "fremovexattr",
  "tkill",
  "clock_settime",
  "kexec_load",
  "add_key",
  "request_key",
  "keyctl",
  "mkdirat",
  "mknodat",
  "fchownat",
  "unlinkat",
  "renameat",
  "linkat",
  "symlinkat",
  "fchmodat",
  "unshare",
  "open_by_handle_at",
  "clock_adjtime",
  "setns",
  "process_vm_readv",
  "process_vm_writev",
  "finit_module",
  "renameat2",
  "kexec_file_load",
  "execveat",
  "userfaultfd",
  "pidfd_send_signal",
  "io_uring_setup",
  "open_tree",
  "move_mount",
  "fsopen",
  "fsmount",
  "pidfd_getfd",
  "mount_setattr",
] as const satisfies Syscall[];

/** The newest known call. All calls above it return ENOSYS, as openat2, so that callers use older calls instead. */
const NEWEST = "set_mempolicy_home_node";
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
/** linux/audit.h */
const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
const X32_BIT = 0x40000000;
/** The number of a call that the architecture does not have: no call has it. */
const UNUSED = 0xffff_ffff;

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

/** Returns the numbers of the refused calls. bpf(BPF_PROG_LOAD) is refused besides. */
export const refusedNumbers = (architecture: Architecture): number[] =>
  refused.map((name) => syscallNumber(name, architecture)).filter((number) => number !== null);

/** Returns the filter for the system calls of an architecture. */
export function syscallFilter(architecture: Architecture): FilterInstruction[] {
  const number = (name: Syscall): number => syscallNumber(name, architecture) ?? UNUSED;
  const ifCall = (name: Syscall, yes: Label): Line => ({ code: IS, k: number(name), yes });
  return assemble([
    { code: LOAD, k: ARCHITECTURE },
    { code: IS, k: AUDIT_ARCH[architecture], no: "refuse" },
    { code: LOAD, k: NUMBER },
    // The x32 calls of x86-64. No architecture has so high a number of its own.
    { code: IS_AT_LEAST, k: X32_BIT, yes: "refuse" },
    { code: IS_AT_LEAST, k: number(NEWEST) + 1, yes: "missing" },
    ifCall("openat2", "missing"),
    ...refusedNumbers(architecture).map((k): Line => ({ code: IS, k, yes: "refuse" })),
    ifCall("bpf", "bpf"),
    ifCall("open", "open"),
    { ...ifCall("openat", "openat"), no: "allow" },
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
