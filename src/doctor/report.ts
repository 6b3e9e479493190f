// What `mine doctor` found: an object that is written as it is with --json (docs/doctor.schema.json), hence the
// names. null is what could not be found out, or does not apply.

export interface DoctorReport {
  /** This host can be audited. */
  auditable: boolean;
  /** Where it cannot: that of the backend which decides. */
  reason: string | null;
  hint: string | null;
  versions: { mine: string; bun: string; libbpf: string };
  kernel: { release: string; version: string; machine: string };
  privileges: Privileges;
  btf: Btf;
  ip_set: IpSet;
  /** The ladder: the best first, the one that asks least of the kernel last. Each was tried, and tested. */
  backends: Backend[];
  /** What mine takes by itself: the first of them that can be attached. */
  choice: string | null;
  /** Of the choice. */
  buffer: Buffer | null;
  /** What mine gives up once it sees events, in words. */
  confinement: readonly string[];
}

export interface Privileges {
  /** Effective. */
  uid: number;
  capabilities: {
    /** Effective, of those that bear on what mine does. */
    held: string[];
    /** Those that this kernel knows and that are not held. */
    missing: string[];
  };
  user_namespace: "initial" | "other";
  /** null on a kernel without it. */
  seccomp: "none" | "strict" | "filter" | null;
  no_new_privs: boolean;
  /** "none", "integrity" or "confidentiality"; null where the kernel, or securityfs, does not tell. */
  lockdown: string | null;
  /** RLIMIT_MEMLOCK in bytes; null is unlimited. */
  locked_memory: { soft: number | null; hard: number | null } | null;
}

export interface Btf {
  path: string | null;
  /** Every place looked at, in this order. */
  places: BtfPlace[];
}

export interface BtfPlace {
  path: string;
  /** null for a file without a fault, as the message. */
  reason: "missing" | "empty" | "not-a-file" | "not-btf" | "untrusted" | "unreadable" | "unparsable" | null;
  message: string | null;
}

export type IpSetState = "built in" | "loaded" | "loadable" | "missing";

export interface IpSet {
  /** Before the backends were tried, which load it. */
  found: IpSetState;
  state: IpSetState;
  /** The kernel itself carries its types. */
  btf: boolean;
}

export interface Backend {
  name: string;
  /** It could be attached, and did not fail the self-test. */
  usable: boolean;
  /** Where it is not usable, as the message and the hint: that of the error. */
  reason: string | null;
  message: string | null;
  hint: string | null;
  /** libbpf's last warnings when it is not. */
  log: readonly string[];
  /** What it cannot promise. */
  caveats: readonly string[];
  /** null when it could not be attached. */
  self_test: SelfTest | null;
}

export interface Buffer {
  kind: "ring" | "perf";
  /** One for the machine, or one per CPU. */
  count: number;
  /** Of each. */
  bytes: number;
}

export interface SelfTest {
  verdict: "passed" | "failed" | "unknown";
  /** null where it passed, as the message. */
  reason: "commands-missed" | "no-namespaces" | "call-failed" | null;
  message: string | null;
  commands: SelfTestCommand[];
}

export interface SelfTestCommand {
  /** As ipset(8) takes it. */
  command: string;
  /** What the kernel told the sender, such as "success" or "EEXIST"; null when it told nothing. */
  answer: string | null;
  /** What mine saw; null when it saw nothing. */
  seen: string | null;
  agrees: boolean;
}
