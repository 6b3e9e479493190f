// Every option, once: citty parses and documents them from here, and nothing else is accepted.
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

/** Understood everywhere. */
export const commonArgs = {
  help: { type: "boolean", alias: "h", description: "Show this help" },
  version: { type: "boolean", description: "Show the version" },
} as const satisfies ArgsDef;
