// Every option and variable, once: they are parsed and documented from here, and nothing else is accepted.
import type { ArgsDef } from "citty";

export const traceArgs = {
  verbose: { type: "boolean", alias: "v", description: "Show libbpf's log and what mine decides, on stderr" },
  btf: {
    type: "string",
    valueHint: "PATH",
    description: "Use this BTF file (raw or ELF) instead of searching",
  },
  all: { type: "boolean", description: "Also report the handshake queries (PROTOCOL, HEADER, TYPE, ...)" },
} as const satisfies ArgsDef;

/** What is read from the environment; nothing else in it has an effect. */
export const variables = {
  kernVersion: {
    name: "LIBBPF_KERN_VERSION",
    description: "The version told to kernels that check it (before 5.0), e.g. 4.15.18",
  },
  assumeKernel: {
    name: "MINE_ASSUME_KERNEL",
    description: "Use nothing that came after this kernel version, to see how an old one is served",
  },
} as const;

/** Understood everywhere. */
export const commonArgs = {
  help: { type: "boolean", alias: "h", description: "Show this help" },
  version: { type: "boolean", description: "Show the version" },
} as const satisfies ArgsDef;
