// Every error that a user can cause, and what to do about it, in one table.
// A MineError is a whole answer: what was tried, what the kernel said, what to do. Anything else is a bug.
import { errnoName, errnoSentence } from "./errno.ts";

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_UNSUPPORTED = 3;

type ExitCode = typeof EXIT_FAILED | typeof EXIT_USAGE | typeof EXIT_UNSUPPORTED;

export class MineError extends Error {
  override name = "MineError";
  readonly exitCode: ExitCode;
  readonly hint: string;

  constructor(message: string, options: { exitCode: ExitCode; hint: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode;
    this.hint = options.hint;
  }
}

/** What libbpf or the C library answered: `call` returned `-errno`. Becomes a MineError by explain(). */
export class CallError extends Error {
  override name = "CallError";
  readonly call: string;
  /** Positive errno. */
  readonly errno: number;
  /** Its name, "EPERM". */
  readonly code: string;

  constructor(call: string, errno: number) {
    super(`${call}: ${errnoSentence(errno)} (${errnoName(errno)})`);
    this.call = call;
    this.errno = errno;
    this.code = errnoName(errno);
  }
}

export function usageError(message: string): MineError {
  return new MineError(message, { exitCode: EXIT_USAGE, hint: "Run 'mine --help' to see the options." });
}

/** What to do, by reason. */
const hints = {
  "not root": "Run it as root: sudo ./mine",
  "no BTF":
    "Make one with scripts/build-btf.sh on a machine that has this kernel's vmlinux, copy it to /boot/vmlinux-$(uname -r) here, or name a file with --btf.",
  "unusable BTF": "Name a raw or ELF file that carries this kernel's BTF; scripts/build-btf.sh makes one.",
  "other kernel's BTF":
    "Put the BTF of this very kernel there; scripts/build-btf.sh makes it from this kernel's vmlinux.",
  "no fexit": "Let another rung of the ladder be chosen: --backend auto.",
  blind:
    "Let another backend be chosen: --backend auto. If none is left, please report it with what 'mine doctor --json' says.",
  "no kprobes":
    "It was built without CONFIG_KPROBES; boot a kernel that has it (every general-purpose distribution kernel does).",
  "kprobes off": "Switch them on: echo 1 > /sys/kernel/debug/kprobes/enabled",
  "no tracefs": "Mount it: mount -t tracefs nodev /sys/kernel/tracing",
  "no tracepoints":
    "It was built without CONFIG_TRACEPOINTS; boot a kernel that has it (every general-purpose distribution kernel does).",
  "no ip_set":
    "Load it with 'modprobe ip_set'; if it is not installed, add the kernel package that has it (on RHEL 10: kernel-modules-extra).",
  lockdown:
    "The kernel is locked down for confidentiality, which forbids reading it: boot with lockdown=integrity or none.",
  EPERM:
    "Root here lacks the right to use BPF or perf events: a container or user namespace, a seccomp filter or a security module took it away. Run it on the host itself. Before Linux 5.11 it may also be the locked-memory limit: ulimit -l unlimited.",
  memory:
    "The memory for maps was refused: raise the locked-memory limit (ulimit -l unlimited) and try again.",
  "file size":
    "What is made in memory counts as a file: raise the limit on the size of files (ulimit -f unlimited) and try again.",
  "no compiler":
    "Raise the limit on address space (ulimit -v unlimited), allow memory that is written and then executed (systemd: MemoryDenyWriteExecute=no), unset BUN_JSC_useJIT.",
  files: "More files have to be open at once: raise the limit (ulimit -n 256) and try again.",
  "kernel version":
    "A kernel before 5.0 checks the version it is told, and LIBBPF_KERN_VERSION names another one. Unset it.",
  verifier: "The kernel's verifier refused the program. Run with -v for its log, and please report it.",
  other: "Run with -v to see what libbpf and the kernel said.",
  "self-test":
    "Name another backend of those that are usable with --backend, and please report this with what 'mine doctor --json' says.",
  stdout:
    "What came before is written, perhaps but for the end of its last line. Make room, or send the output elsewhere.",
} as const;

type Reason = keyof typeof hints;

/** This host cannot run it. */
export function unsupported(reason: Reason, message: string, cause?: unknown): MineError {
  return new MineError(message, { exitCode: EXIT_UNSUPPORTED, hint: hints[reason], cause });
}

/** Of one rung its own answer, of several all reasons; what to do about the last, which asks the least of a kernel. */
export function noBackend(refusals: readonly { backend: string; error: MineError }[]): MineError {
  const [first, ...others] = refusals;
  const last = others.at(-1);
  if (!first) throw new Error("no backend was tried");
  if (!last) return first.error;
  const reasons = refusals.map(({ backend, error }) => `${backend}: ${error.message}`);
  return new MineError(`no backend can be used here; ${reasons.join("; ")}`, {
    exitCode: EXIT_UNSUPPORTED,
    hint: last.error.hint,
  });
}

/** After a report that has the reasons. @param hint what to do about the last of them. */
export function cannotAudit(hint: string): MineError {
  return new MineError("this host cannot be audited", { exitCode: EXIT_UNSUPPORTED, hint });
}

/** It ran, and something went wrong. */
export function failed(reason: Reason, message: string, cause?: unknown): MineError {
  return new MineError(message, { exitCode: EXIT_FAILED, hint: hints[reason], cause });
}

/** What else is known when a call fails, for a better hint than the errno's. */
export interface Circumstances {
  /** Kernel lockdown mode, "none" where there is no lockdown. */
  lockdown: string;
  /** The kernel compares the version that it is told with its own, and was told another one. */
  isWrongVersion?: boolean;
  /** Of programs that the verifier refused: which, and why, in its words. */
  refusal?: { program: string; complaint: string } | undefined;
}

/** @returns an error that says what was tried, what the kernel answered and what to do. */
export function explain(tried: string, error: CallError, circumstances: Circumstances): MineError {
  const reason = reasonOf(error, circumstances);
  return unsupported(reason, `cannot ${tried}: ${answerOf(error, reason, circumstances)}`, error);
}

function answerOf(error: CallError, reason: Reason, { refusal }: Circumstances): string {
  if (refusal)
    return `the kernel's verifier refused ${refusal.program}: ${refusal.complaint} (${error.code})`;
  if (reason !== "kernel version") return error.message;
  return `the kernel is of another version than LIBBPF_KERN_VERSION names (${error.code})`;
}

function reasonOf(error: CallError, { lockdown, isWrongVersion, refusal }: Circumstances): Reason {
  // It takes helpers away from programs (EINVAL from the verifier) and files from tracefs (EPERM).
  if (lockdown === "confidentiality") return "lockdown";
  if (refusal) return "verifier";
  switch (error.code) {
    case "EPERM":
      return "EPERM";
    case "EACCES":
      return "EPERM";
    case "ENOMEM":
      return "memory";
    case "EMFILE":
    case "ENFILE":
      return "files";
    case "EFBIG":
      return "file size";
    case "EINVAL":
      return isWrongVersion ? "kernel version" : "other";
    default:
      return "other";
  }
}
