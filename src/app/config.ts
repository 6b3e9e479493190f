// What a run is asked to do, validated: made once from the command line and the environment.
import type { KernelVersion } from "../kernel/version.ts";

export interface Config {
  /** libbpf's log and our own decisions on stderr. */
  verbose: boolean;
  /** Use this BTF file instead of searching. */
  btf: string | undefined;
  /** Report the handshake queries too. */
  all: boolean;
  /** LIBBPF_KERN_VERSION */
  kernVersion: KernelVersion | undefined;
  /** MINE_ASSUME_KERNEL */
  assumeKernel: KernelVersion | undefined;
}
