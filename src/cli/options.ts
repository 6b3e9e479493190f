// Every option and variable, once: they are parsed and documented from here, and nothing else is accepted.
import type { ArgsDef } from "citty";
import { backendNames } from "../backends/backend.ts";

/** What has to do with the host, whatever is done there. */
const hostArgs = {
  verbose: { type: "boolean", alias: "v", description: "Show libbpf's log and what mine decides, on stderr" },
  btf: {
    type: "string",
    valueHint: "PATH",
    description: "Use this BTF file (raw or ELF) instead of searching",
  },
} as const satisfies ArgsDef;

export const doctorArgs = {
  json: { type: "boolean", description: "Print one JSON object instead of text" },
  ...hostArgs,
} as const satisfies ArgsDef;

export const traceArgs = {
  ...hostArgs,
  backend: {
    type: "enum",
    options: ["auto", ...backendNames],
    default: "auto",
    description: "How to see the commands; auto takes the first that this kernel can do",
  },
  output: {
    type: "enum",
    alias: "o",
    options: ["text", "json"],
    default: "text",
    description: "One line of text, or of JSON (Elastic Common Schema), per command",
  },
  all: { type: "boolean", description: "Also report the handshake queries (PROTOCOL, HEADER, TYPE, ...)" },
  command: { type: "string", valueHint: "LIST", description: "Only these commands, e.g. create,destroy" },
  set: { type: "string", valueHint: "GLOB", description: "Only sets whose name matches (* and ?)" },
  uid: {
    type: "string",
    valueHint: "UID",
    description: "Only this user: the real, the effective or the login user",
  },
  pid: { type: "string", valueHint: "PID", description: "Only this process" },
  comm: { type: "string", valueHint: "NAME", description: "Only processes of this name" },
  failed: { type: "boolean", description: "Only commands that failed" },
  buffer: {
    type: "string",
    valueHint: "SIZE",
    description: "Room for events that are not read yet: 64K to 1024M, a power of two",
  },
  count: { type: "string", valueHint: "N", description: "End after N events" },
  duration: { type: "string", valueHint: "SECONDS", description: "End after this time" },
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
