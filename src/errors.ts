// Every error that a user can cause, and what to do about it, in one table.
// A MineError is a whole answer: what was tried, what the kernel said, what to do. Anything else is a bug.
import { type CallError, type Refusal, verifierRefusal } from "./core/errors.ts";

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_UNSUPPORTED = 3;

type ExitCode = typeof EXIT_FAILED | typeof EXIT_USAGE | typeof EXIT_UNSUPPORTED;

/**
 * What to do about each error, by its reason. Scripts compare reasons: a reason keeps its name, a hint may change.
 * docs/doctor.schema.json lists them.
 */
export const hints = {
  usage: "Run 'mine --help' to see the options.",
  "not-root": "Run it as root: sudo ./mine",
  "no-btf":
    "Make one with scripts/build-btf.sh on a machine that has this kernel's vmlinux, copy it to /boot/vmlinux-$(uname -r) here, or name a file with --btf.",
  "unusable-btf": "Name a raw or ELF file that carries this kernel's BTF; scripts/build-btf.sh makes one.",
  "foreign-btf":
    "Put the BTF of this very kernel there; scripts/build-btf.sh makes it from this kernel's vmlinux.",
  "no-fexit": "Let another rung of the ladder be chosen: --backend auto.",
  "blind-backend":
    "Let another backend be chosen: --backend auto. If none is left, please report it with what 'mine doctor --json' says.",
  "no-kprobes":
    "It was built without CONFIG_KPROBES; boot a kernel that has it (every general-purpose distribution kernel does).",
  "kprobes-off": "Switch them on: echo 1 > /sys/kernel/debug/kprobes/enabled",
  "no-tracefs": "Mount it: mount -t tracefs nodev /sys/kernel/tracing",
  "no-tracepoints":
    "It was built without CONFIG_TRACEPOINTS; boot a kernel that has it (every general-purpose distribution kernel does).",
  "no-ip-set":
    "Load it with 'modprobe ip_set'; if it is not installed, add the kernel package that has it (on RHEL 10: kernel-modules-extra).",
  lockdown:
    "The kernel is locked down for confidentiality, which forbids reading it: boot with lockdown=integrity or none.",
  "no-privileges":
    "Root here lacks the right to use BPF or perf events: a container or user namespace, a seccomp filter or a security module took it away. Run it on the host itself. Before Linux 5.11 it may also be the locked-memory limit: ulimit -l unlimited.",
  "memory-limit":
    "The memory for maps was refused: raise the locked-memory limit (ulimit -l unlimited) and try again.",
  "file-size-limit":
    "What is made in memory counts as a file: raise the limit on the size of files (ulimit -f unlimited) and try again.",
  "no-jit":
    "Raise the limit on address space (ulimit -v unlimited), allow memory that is written and then executed (systemd: MemoryDenyWriteExecute=no), unset BUN_JSC_useJIT.",
  "open-files-limit": "More files have to be open at once: raise the limit (ulimit -n 256) and try again.",
  "kernel-version":
    "A kernel before 5.0 checks the version it is told, and LIBBPF_KERN_VERSION names another one. Unset it.",
  verifier: "The kernel's verifier refused the program. Run with -v for its log, and please report it.",
  "call-failed": "Run with -v to see what libbpf and the kernel said.",
  "self-test":
    "Name another backend of those that are usable with --backend, and please report this with what 'mine doctor --json' says.",
  stdout:
    "What came before is written, perhaps but for the end of its last line. Make room, or send the output elsewhere.",
} as const;

export type Reason = keyof typeof hints;

export class MineError extends Error {
  override name = "MineError";
  readonly reason: Reason;
  readonly exitCode: ExitCode;
  /** One sentence or two that say what to do. */
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

/** This host cannot run it. */
export function unsupported(reason: Reason, message: string, cause?: unknown): MineError {
  return new MineError(reason, message, { exitCode: EXIT_UNSUPPORTED, cause });
}

/**
 * Returns the error of the only backend that was tried. Of several it joins the messages, and keeps the reason of the
 * last: that backend asks the least of a kernel, its hint is the one to follow, and a reason belongs to its hint.
 */
export function noBackend(refusals: readonly { backend: string; error: MineError }[]): MineError {
  const [first, ...others] = refusals;
  const last = others.at(-1);
  if (!first) throw new Error("no backend was tried");
  if (!last) return first.error;
  const messages = refusals.map(({ backend, error }) => `${backend}: ${error.message}`);
  return unsupported(last.error.reason, `no backend can be used here; ${messages.join("; ")}`);
}

/** Follows a report that has the messages. @param reason of the refusal that decides. */
export function cannotAudit(reason: Reason): MineError {
  return unsupported(reason, "this host cannot be audited");
}

/** It ran, and something went wrong. */
export function failed(reason: Reason, message: string, cause?: unknown): MineError {
  return new MineError(reason, message, { exitCode: EXIT_FAILED, cause });
}

/** What else is known when a call fails, for a better hint than the errno's. */
export interface Circumstances {
  /** Kernel lockdown mode, "none" where there is no lockdown. */
  lockdown: string;
  /** The kernel compares the version that it is told with its own, and was told another one. */
  isWrongVersion?: boolean;
}

/** @returns an error that says what was tried, what the kernel answered and what to do. */
export function explain(tried: string, error: CallError, circumstances: Circumstances): MineError {
  const refusal = verifierRefusal(error.log);
  const reason = reasonOf(error, circumstances, refusal);
  return unsupported(reason, `cannot ${tried}: ${answerOf(error, reason, refusal)}`, error);
}

function answerOf(error: CallError, reason: Reason, refusal: Refusal | undefined): string {
  if (refusal)
    return `the kernel's verifier refused ${refusal.program}: ${refusal.complaint} (${error.code})`;
  if (reason !== "kernel-version") return error.message;
  return `the kernel is of another version than LIBBPF_KERN_VERSION names (${error.code})`;
}

function reasonOf(
  error: CallError,
  { lockdown, isWrongVersion }: Circumstances,
  refusal: Refusal | undefined,
): Reason {
  // It takes helpers away from programs (EINVAL from the verifier) and files from tracefs (EPERM).
  if (lockdown === "confidentiality") return "lockdown";
  if (refusal) return "verifier";
  switch (error.code) {
    case "EPERM":
    case "EACCES":
      return "no-privileges";
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
