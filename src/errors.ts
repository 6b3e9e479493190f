// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The table of errors that a user can cause, with hints.
// A MineError is complete: the failed step, the kernel's error, a hint. Any other error is a bug.
import { type CallError, type Refusal, verifierRefusal } from "bun-libbpf/errors";

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_UNSUPPORTED = 3;

type ExitCode = typeof EXIT_FAILED | typeof EXIT_USAGE | typeof EXIT_UNSUPPORTED;

/**
 * Hints by reason. Scripts compare reasons, so a reason keeps its name; a hint can change.
 * docs/doctor.schema.json lists them.
 */
export const hints = {
  usage: "Run 'mine --help' to see the options.",
  "not-root": "Run mine as root: sudo ./mine",
  "no-btf":
    "Make a BTF file with scripts/build-btf.sh on a machine that has this kernel's vmlinux. Copy it to /boot/vmlinux-$(uname -r) here, or name it with --btf.",
  "unusable-btf": "Name a raw or ELF file with this kernel's BTF. scripts/build-btf.sh makes one.",
  "foreign-btf":
    "Replace the file with BTF of exactly this kernel. scripts/build-btf.sh makes it from this kernel's vmlinux.",
  "no-fexit": "Let mine choose another backend: --backend auto",
  "blind-backend":
    "Let mine choose another backend: --backend auto. If none works, report the output of 'mine doctor --json'.",
  "no-kprobes": "Boot a kernel with CONFIG_KPROBES. Every general-purpose distribution kernel has it.",
  "kprobes-off": "Enable kprobes: echo 1 > /sys/kernel/debug/kprobes/enabled",
  "no-tracefs": "Mount tracefs: mount -t tracefs nodev /sys/kernel/tracing",
  "no-tracepoints":
    "Boot a kernel with CONFIG_TRACEPOINTS. Every general-purpose distribution kernel has it.",
  "no-ip-set":
    "Run 'modprobe ip_set'. If the module is missing, install the kernel package that has it (RHEL 10: kernel-modules-extra).",
  lockdown:
    "Boot with lockdown=integrity or lockdown=none. With lockdown=confidentiality no BPF program can read the kernel.",
  "no-privileges":
    "Run mine on the host itself. Here root lacks the privileges for BPF or perf events: a container, a user namespace, a seccomp filter or a security module removes them. Before Linux 5.11 the cause can also be the locked-memory limit: ulimit -l unlimited",
  "no-bpf": "Boot a kernel with CONFIG_BPF_SYSCALL. Every general-purpose distribution kernel has it.",
  "memory-limit": "Raise the locked-memory limit, which applies to BPF maps: ulimit -l unlimited",
  "file-size-limit": "Raise the file size limit, which also applies to files in memory: ulimit -f unlimited",
  "no-jit":
    "Raise the limit on address space (ulimit -v unlimited), allow memory that is written and then executed (systemd: MemoryDenyWriteExecute=no), and unset BUN_JSC_useJIT.",
  "open-files-limit": "Raise the limit on open files: ulimit -n 256",
  "kernel-version": "Unset LIBBPF_KERN_VERSION. Kernels before 5.0 compare it with their own version.",
  verifier: "Run with -v for the log of the verifier, and report it.",
  "call-failed": "Run with -v to see the messages of libbpf and the kernel.",
  "self-test": "Choose another usable backend with --backend, and report the output of 'mine doctor --json'.",
  "file-exists": "Remove the file, or name another one.",
  "cannot-write": "Name a file in a directory that exists and has free space.",
  "foreign-file": "Name another file. It must belong to root, and have no other name.",
  "no-metrics": "Name another address, with a port that is free: --metrics 127.0.0.1:9095",
  "not-installed": "Name the directory that mine was installed below: --prefix DIRECTORY",
  "no-journal": "Start systemd-journald, or choose another output: -o json",
  "no-syslog": "Start a system logger that listens at /dev/log, or choose another output: -o json",
  stdout:
    "Free space, or redirect the output. Earlier lines are written, except perhaps the end of the last one.",
} as const;

export type Reason = keyof typeof hints;

export class MineError extends Error {
  override name = "MineError";
  readonly reason: Reason;
  readonly exitCode: ExitCode;
  /** Instruction for the user, in one line. */
  readonly hint: string;

  constructor(reason: Reason, message: string, { exitCode, cause }: { exitCode: ExitCode; cause?: unknown }) {
    super(message, { cause });
    this.reason = reason;
    this.exitCode = exitCode;
    this.hint = hints[reason];
  }
}

export function usageError(message: string): MineError {
  return new MineError("usage", message, { exitCode: EXIT_USAGE });
}

/** Returns the error for a host that cannot run mine. */
export function unsupported(reason: Reason, message: string, cause?: unknown): MineError {
  return new MineError(reason, message, { exitCode: EXIT_UNSUPPORTED, cause });
}

/**
 * Returns the error if only one backend was tried. Joins the messages of several backends, and keeps the reason and
 * the hint of the last one: it needs the fewest kernel features.
 */
export function noBackend(refusals: readonly { backend: string; error: MineError }[]): MineError {
  const [first, ...others] = refusals;
  const last = others.at(-1);
  if (!first) throw new Error("no backend was tried");
  if (!last) return first.error;
  const messages = refusals.map(({ backend, error }) => `${backend}: ${error.message}`);
  return unsupported(last.error.reason, `no backend works on this host; ${messages.join("; ")}`);
}

/** Returns the error after a report that has the messages. @param reason the reason of the deciding backend. */
export function cannotAudit(reason: Reason): MineError {
  return unsupported(reason, "cannot audit this host");
}

/** Returns the error of a failed run. */
export function failed(reason: Reason, message: string, cause?: unknown): MineError {
  return new MineError(reason, message, { exitCode: EXIT_FAILED, cause });
}

/** Facts about a failed call, for a better hint than the errno gives. */
export interface Circumstances {
  /** Kernel lockdown mode; "none" without lockdown. */
  lockdown: string;
  /** The kernel compares the version of a program with its own, and they differ. */
  isWrongVersion?: boolean;
}

/** Returns an error with the failed step, the kernel's error and a hint. @param tried a verb and its object. */
export function explain(tried: string, error: CallError, circumstances: Circumstances): MineError {
  const refusal = verifierRefusal(error.log);
  const reason = reasonOf(error, circumstances, refusal);
  return unsupported(reason, `cannot ${tried}: ${answerOf(error, reason, refusal)}`, error);
}

function answerOf(error: CallError, reason: Reason, refusal: Refusal | undefined): string {
  if (refusal)
    return `the kernel's verifier rejected ${refusal.program}: ${refusal.complaint} (${error.code})`;
  if (reason !== "kernel-version") return error.message;
  return `LIBBPF_KERN_VERSION names another version than the running kernel (${error.code})`;
}

function reasonOf(
  error: CallError,
  { lockdown, isWrongVersion }: Circumstances,
  refusal: Refusal | undefined,
): Reason {
  // Lockdown denies helpers to programs (EINVAL from the verifier) and tracefs files (EPERM).
  if (lockdown === "confidentiality") return "lockdown";
  if (refusal) return "verifier";
  switch (error.code) {
    case "EPERM":
    case "EACCES":
      return "no-privileges";
    case "ENOSYS":
      return error.call.startsWith("bpf_") ? "no-bpf" : "call-failed";
    case "ENOMEM":
      return "memory-limit";
    case "EMFILE":
    case "ENFILE":
      return "open-files-limit";
    case "EFBIG":
      return "file-size-limit";
    case "EINVAL":
      return isWrongVersion ? "kernel-version" : "call-failed";
    default:
      return "call-failed";
  }
}
