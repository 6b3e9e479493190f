// What mine gives up once it sees events: from then on it reads strangers' bytes, and needs few rights for that.
// A decoder that was made to misbehave could then start nothing and change nothing in the kernel.
import { CallError } from "../errors.ts";
import { type FilterInstruction, filterSyscalls, keepCapabilities } from "../ffi/confinement.ts";
import { readText } from "./host.ts";

/** linux/capability.h */
const CAP_SYS_ADMIN = 1n << 21n;
const CAP_BPF = 1n << 39n;

/**
 * asm/unistd_64.h: system calls that start programs, change the kernel, other processes or namespaces, or go past
 * this very list.
 */
export const refused = {
  execve: 59,
  ptrace: 101,
  syslog: 103,
  setuid: 105,
  setgid: 106,
  setreuid: 113,
  setregid: 114,
  setresuid: 117,
  setresgid: 119,
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
  clock_settime: 227,
  kexec_load: 246,
  add_key: 248,
  request_key: 249,
  keyctl: 250,
  unshare: 272,
  open_by_handle_at: 304,
  clock_adjtime: 305,
  setns: 308,
  process_vm_readv: 310,
  process_vm_writev: 311,
  finit_module: 313,
  kexec_file_load: 320,
  execveat: 322,
  userfaultfd: 323,
  io_uring_setup: 425,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsmount: 432,
  pidfd_getfd: 438,
  mount_setattr: 442,
} as const;

const BPF = 321;
const BPF_PROG_LOAD = 5;

// linux/bpf_common.h and linux/seccomp.h
const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const EPERM = 0x00050001; // SECCOMP_RET_ERRNO
// struct seccomp_data { int nr; u32 arch; u64 instruction_pointer, args[6]; }
const NUMBER = 0;
const ARCHITECTURE = 4;
const FIRST_ARGUMENT = 16;
const AUDIT_ARCH_X86_64 = 0xc000003e;
const X32_BIT = 0x40000000;

/** The checks in a row, each of which goes on to the next or to the refusal at the end. */
function syscallFilter(): FilterInstruction[] {
  const numbers = Object.values(refused);
  const toTheEnd = numbers.length + 4;
  return [
    [LOAD_WORD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 0, toTheEnd + 2, AUDIT_ARCH_X86_64],
    [LOAD_WORD, 0, 0, NUMBER],
    [JUMP_AT_LEAST, toTheEnd, 0, X32_BIT],
    ...numbers.map((number, index): FilterInstruction => [JUMP_EQUAL, toTheEnd - 1 - index, 0, number]),
    [JUMP_EQUAL, 0, 2, BPF],
    [LOAD_WORD, 0, 0, FIRST_ARGUMENT],
    [JUMP_EQUAL, 1, 0, BPF_PROG_LOAD],
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, EPERM],
  ];
}

/**
 * As far as this kernel lets it; what it does not is no reason to see nothing.
 * @param mayAttachAgain whether probes may have to be made again, which takes more capabilities.
 * @returns what was given up, and what could not be, in words.
 */
export function confine(mayAttachAgain: boolean): string[] {
  return [
    process.arch === "x64"
      ? tried(`no new privileges, ${Object.keys(refused).length + 1} system calls refused`, () =>
          filterSyscalls(syscallFilter()),
        )
      : "system calls: as before",
    mayAttachAgain ? "capabilities: as before, probes may have to be made again" : giveUpCapabilities(),
  ];
}

function giveUpCapabilities(): string {
  const effective = BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readText("/proc/self/status") ?? "")?.[1] ?? "0"}`);
  // The losses are read by bpf(2). Before 5.8, and where whoever granted rights knows no newer, CAP_SYS_ADMIN lets us.
  const [kept, name] = effective & CAP_BPF ? [CAP_BPF, "CAP_BPF"] : [CAP_SYS_ADMIN, "CAP_SYS_ADMIN"];
  return tried(`the thread that reads events has no capability but ${name}`, () =>
    keepCapabilities(effective & kept),
  );
}

function tried(done: string, run: () => void): string {
  try {
    run();
    return done;
  } catch (error) {
    if (error instanceof CallError) return `not possible here: ${error.message}`;
    throw error;
  }
}
