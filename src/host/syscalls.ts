// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Numbers of the system calls that mine makes itself or refuses to itself.

/**
 * [x86-64, arm64], of asm/unistd_64.h and asm-generic/unistd.h; null: the architecture has no such call. arm64 has
 * none of the calls that a later one replaced before 2012.
 */
const syscalls = {
  open: [2, null],
  execve: [59, 221],
  kill: [62, 129],
  truncate: [76, 45],
  ftruncate: [77, 46],
  rename: [82, null],
  mkdir: [83, null],
  rmdir: [84, null],
  creat: [85, null],
  link: [86, null],
  unlink: [87, null],
  symlink: [88, null],
  chmod: [90, null],
  fchmod: [91, 52],
  chown: [92, null],
  fchown: [93, 55],
  lchown: [94, null],
  ptrace: [101, 117],
  syslog: [103, 116],
  setuid: [105, 146],
  setgid: [106, 144],
  setreuid: [113, 145],
  setregid: [114, 143],
  setgroups: [116, 159],
  setresuid: [117, 147],
  setresgid: [119, 149],
  setfsuid: [122, 151],
  setfsgid: [123, 152],
  capset: [126, 91],
  mknod: [133, null],
  personality: [135, 92],
  modify_ldt: [154, null],
  pivot_root: [155, 41],
  chroot: [161, 51],
  acct: [163, 89],
  settimeofday: [164, 170],
  mount: [165, 40],
  umount2: [166, 39],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  iopl: [172, null],
  ioperm: [173, null],
  init_module: [175, 105],
  delete_module: [176, 106],
  setxattr: [188, 5],
  lsetxattr: [189, 6],
  fsetxattr: [190, 7],
  removexattr: [197, 14],
  lremovexattr: [198, 15],
  fremovexattr: [199, 16],
  tkill: [200, 130],
  clock_settime: [227, 112],
  kexec_load: [246, 104],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  openat: [257, 56],
  mkdirat: [258, 34],
  mknodat: [259, 33],
  fchownat: [260, 54],
  unlinkat: [263, 35],
  renameat: [264, 38],
  linkat: [265, 37],
  symlinkat: [266, 36],
  fchmodat: [268, 53],
  unshare: [272, 97],
  open_by_handle_at: [304, 265],
  clock_adjtime: [305, 266],
  setns: [308, 268],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  finit_module: [313, 273],
  renameat2: [316, 276],
  seccomp: [317, 277],
  kexec_file_load: [320, 294],
  bpf: [321, 280],
  execveat: [322, 281],
  userfaultfd: [323, 282],
  pidfd_send_signal: [424, 424],
  io_uring_setup: [425, 425],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsmount: [432, 432],
  openat2: [437, 437],
  pidfd_getfd: [438, 438],
  mount_setattr: [442, 442],
  set_mempolicy_home_node: [450, 450],
} as const;

export type Syscall = keyof typeof syscalls;
export const architectures = ["x64", "arm64"] as const;
export type Architecture = (typeof architectures)[number];

export const syscallNames = Object.keys(syscalls) as Syscall[];

/** Returns the number of a call; null if the architecture does not have it. */
export const syscallNumber = (name: Syscall, architecture: Architecture): number | null =>
  syscalls[name][architectures.indexOf(architecture)] ?? null;

/** Returns the number of a call on this machine. @throws RangeError if it does not have the call. */
export function ownSyscall(name: Syscall): number {
  const number = syscallNumber(name, process.arch as Architecture);
  if (number === null) throw new RangeError(`${process.arch} has no system call ${name}`);
  return number;
}
