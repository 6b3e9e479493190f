// What a run is asked to do, validated: made once from the command line and the environment.
import type { BackendName } from "../backends/backend.ts";
import type { KernelVersion } from "../core/kernel-version.ts";
import type { Command } from "../ipset/message.ts";

/** What has to do with the host. */
export interface HostConfig {
  /** libbpf's log and our own decisions on stderr. */
  verbose: boolean;
  /** Use this BTF file instead of searching. */
  btf: string | undefined;
  /** LIBBPF_KERN_VERSION */
  kernVersion: KernelVersion | undefined;
  /** MINE_ASSUME_KERNEL */
  assumeKernel: KernelVersion | undefined;
}

/** What has to do with the events as well. */
export interface SessionConfig extends HostConfig {
  /** Size of the event buffer, for the whole machine; undefined for one that suits most. */
  bufferBytes: number | undefined;
  /** Which events are wanted; undefined is no condition. */
  filter: {
    commands: ReadonlySet<Command>;
    /** The same for callers without CAP_NET_ADMIN: the first thing that ipset(8) asks is then refused. */
    denied: ReadonlySet<Command>;
    set: ((name: string) => boolean) | undefined;
    uid: number | undefined;
    pid: number | undefined;
    comm: string | undefined;
    failed: boolean;
  };
  /** JSON tells more of the caller; text leaves the kernel side less to read. */
  output: "text" | "json";
}

export interface Config extends SessionConfig {
  /** The rung to take; undefined for the first that can be used. */
  backend: BackendName | undefined;
  /** Text may be in colors, if stdout is a terminal. */
  color: boolean;
  /** When to end by itself. */
  limits: { events: number; seconds: number };
}
