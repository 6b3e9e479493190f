// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The validated configuration of a run, from the command line and the environment.

import type { KernelVersion } from "bun-libbpf";
import type { BackendName } from "../backends/backend.ts";
import type { ServiceConfig } from "../host/service-manager.ts";
import type { Command } from "../ipset/message.ts";
import type { TimeForm } from "../output/time.ts";
import type { MetricsPlace } from "./metrics.ts";

/** Settings for the host. */
export interface HostConfig {
  /** Log decisions of mine and libbpf's messages to stderr. */
  verbose: boolean;
  /** Path of the BTF file; undefined to search for one. */
  btf: string | undefined;
  /** LIBBPF_KERN_VERSION */
  kernVersion: KernelVersion | undefined;
  /** MINE_ASSUME_KERNEL */
  assumeKernel: KernelVersion | undefined;
}

/** Settings for the host and for events. */
export interface SessionConfig extends HostConfig {
  /** Event buffer size of the whole machine in bytes; undefined for the default. */
  bufferBytes: number | undefined;
  /** Conditions on events; undefined is no condition. */
  filter: {
    commands: ReadonlySet<Command>;
    /** Commands of callers without CAP_NET_ADMIN. The kernel refuses the first query of ipset(8) then. */
    denied: ReadonlySet<Command>;
    set: ((name: string) => boolean) | undefined;
    uid: number | undefined;
    pid: number | undefined;
    comm: string | undefined;
    failed: boolean;
  };
  /** Show the processes that started the caller in text; JSON always has them. */
  ancestry: boolean;
  /** JSON and the journal have more details of the caller; for text the BPF side reads less. */
  isDetailed: boolean;
}

export type OutputFormat = "text" | "json" | "journald" | "syslog";

export interface OutputConfig {
  format: OutputFormat;
  /** Absolute path of its file; undefined for stdout or a log of the host. */
  path: string | undefined;
}

export interface Config extends SessionConfig {
  /** Backend to use; undefined for the first usable one. */
  backend: BackendName | undefined;
  outputs: readonly OutputConfig[];
  /** Rotation of the files of the outputs; undefined for none. */
  rotation: { maxBytes: number; keep: number } | undefined;
  /** Form of the time in text. */
  time: { form: TimeForm; isUtc: boolean };
  /** The first records have the elements of the sets too. */
  snapshot: boolean;
  /** Color text if stdout is a terminal. */
  color: boolean;
  service: ServiceConfig;
  metrics: MetricsPlace | undefined;
  /** Limits that end the run; infinity is no limit. */
  limits: { events: number; seconds: number };
}
