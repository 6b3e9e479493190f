// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The report of `mine doctor`. --json prints this object (docs/doctor.schema.json), hence the names.
// null is an unknown value, or one that does not apply.

export interface DoctorReport {
  /** mine can audit this host. */
  auditable: boolean;
  /** Reason of the deciding backend; null if the host can be audited, as the hint. */
  reason: string | null;
  hint: string | null;
  versions: { mine: string; bun: string; libbpf: string };
  kernel: { release: string; version: string; machine: string };
  privileges: Privileges;
  btf: Btf;
  ip_set: IpSet;
  /** All backends, each tried and tested. The best is first; the last needs the fewest kernel features. */
  backends: Backend[];
  /** Backend that mine uses by default: the first that can be attached. */
  choice: string | null;
  /** Event buffer of the choice. */
  buffer: Buffer | null;
  /** Sentences for the privileges that mine drops after its start. */
  confinement: readonly string[];
}

export interface Privileges {
  /** Effective user ID. */
  uid: number;
  capabilities: {
    /** Effective capabilities that are relevant for mine. */
    held: string[];
    /** Relevant capabilities of this kernel that are not held. */
    missing: string[];
  };
  user_namespace: "initial" | "other";
  /** Seccomp mode; null on a kernel without seccomp. */
  seccomp: "none" | "strict" | "filter" | null;
  no_new_privs: boolean;
  /** "none", "integrity" or "confidentiality"; null if the kernel or securityfs does not report it. */
  lockdown: string | null;
  /** RLIMIT_MEMLOCK in bytes; a null limit is unlimited. */
  locked_memory: { soft: number | null; hard: number | null } | null;
}

export interface Btf {
  path: string | null;
  /** All searched files, in order. */
  places: BtfPlace[];
  /** Without a file, the offsets that mine found in the kernel's memory; null otherwise. */
  offsets: Offset[] | null;
}

export interface Offset {
  /** Such as "sk_buff.head". */
  field: string;
  /** In bytes; null for a field that this kernel does not have. */
  offset: number | null;
  /** Content of the memory at this offset. */
  evidence: string;
}

export interface BtfPlace {
  path: string;
  /** Fault of the file; null if it has none, as the message. */
  reason: "missing" | "empty" | "not-a-file" | "not-btf" | "untrusted" | "unreadable" | "unparsable" | null;
  message: string | null;
}

export type IpSetState = "built in" | "loaded" | "loadable" | "missing";

export interface IpSet {
  /** State before mine tried the backends, which load the module. */
  found: IpSetState;
  /** State after that. */
  state: IpSetState;
  /** The kernel has BTF for ip_set. */
  btf: boolean;
}

export interface Backend {
  name: string;
  /** The backend was attached, and did not fail the self-test. */
  usable: boolean;
  /** Reason of the error; null for a usable backend, as the message and the hint. */
  reason: string | null;
  message: string | null;
  hint: string | null;
  /** Last warnings of libbpf, if the backend is not usable. */
  log: readonly string[];
  /** Limits of the backend, as sentences. */
  caveats: readonly string[];
  /** null if the backend could not be attached. */
  self_test: SelfTest | null;
}

export interface Buffer {
  kind: "ring" | "perf";
  /** Number of buffers: one for the machine, or one per CPU. */
  count: number;
  /** Bytes of each buffer. */
  bytes: number;
}

export interface SelfTest {
  verdict: "passed" | "failed" | "unknown";
  /** null if the self-test passed, as the message. */
  reason: "commands-missed" | "no-namespaces" | "call-failed" | null;
  message: string | null;
  commands: SelfTestCommand[];
}

export interface SelfTestCommand {
  /** Command in the syntax of ipset(8). */
  command: string;
  /** Kernel's reply to the sender, such as "success" or "EEXIST"; null without a reply. */
  answer: string | null;
  /** Result that mine saw; null if it saw none. */
  seen: string | null;
  agrees: boolean;
}
