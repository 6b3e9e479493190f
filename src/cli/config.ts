// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Converts options and variables to a Config. Each error names the option or variable.

import { resolve } from "node:path";
import { type KernelVersion, parseKernelVersion } from "bun-libbpf";
import { usageError } from "../errors.ts";
import type { InstallConfig } from "../install/install.ts";
import { type Command, commands, handshakeCommands } from "../ipset/message.ts";
import { BUFFER } from "../trace/buffer-size.ts";
import type { Config, HostConfig, OutputConfig, OutputFormat } from "../trace/config.ts";
import { readConfigFile } from "./config-file.ts";
import { glob } from "./glob.ts";
import { options, type Values } from "./options.ts";
import { variables } from "./variables.ts";

const MAX_UINT32 = 0xffffffff;
/** TASK_COMM_LEN of linux/sched.h, without the NUL. */
const MAX_COMM = 15;
/** Bytes of sun_path in linux/un.h, without the NUL. */
const MAX_SOCKET_PATH = 107;
const UNITS = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const;
/** Limits of a file's size in bytes. The longest line has less than the first. */
const ROTATION = { min: UNITS.M, max: 1024 * UNITS.G } as const;
const MAX_KEEP = 1000;

export function readHostConfig(args: Pick<Values, "verbose" | "btf">): HostConfig {
  if (args.btf === "") throw usageError("--btf needs the path of a file");
  return {
    verbose: args.verbose ?? false,
    btf: args.btf,
    kernVersion: readVersion(variables.kernVersion.name),
    assumeKernel: readVersion(variables.assumeKernel.name),
  };
}

export function readInstallConfig(args: Values): InstallConfig {
  const { prefix = options.prefix.default } = args;
  // The path stands in the unit, where a space or a % has a meaning.
  if (!/^(?:\/[\w.+-]+)+$/.test(prefix))
    throw usageError(`--prefix: '${prefix}' is not an absolute path of letters, digits and . _ + -`);
  return { prefix, dryRun: args.dryRun ?? false };
}

/** Reads the options of the command line, and of the file that --config names. */
export function readConfig({ config: file, ...typed }: Values): Config {
  const args = { ...(file !== undefined && readConfigFile(file, readValues)), ...typed };
  const config = readValues(args);
  refuseCombinations(args, config);
  return config;
}

/** Refuses options that do not go with others. */
function refuseCombinations({ rotate, keep }: Values, { outputs, snapshot }: Config): void {
  const places = outputs.map(({ format, path }) => path ?? (isLog(format) ? format : "stdout"));
  const twice = places.find((place, index) => places.indexOf(place) < index);
  if (twice !== undefined) throw usageError(`--output: two outputs write to ${twice}`);
  const hasJson = outputs.some(({ format }) => format === "json");
  if (snapshot && (!hasJson || outputs.some(({ format }) => isLog(format))))
    throw usageError("--snapshot: only JSON has the elements; use it with -o json alone, or with text");
  if (keep !== undefined && rotate === undefined) throw usageError("--keep needs --rotate SIZE");
  if (rotate !== undefined && !outputs.some(({ path }) => path !== undefined))
    throw usageError("--rotate needs an output with a file: -o json:FILE");
}

function readValues(args: Values): Config {
  const { backend = options.backend.default, time = options.time.default, utc = false } = args;
  const outputs = readOutputs(args.output);
  return {
    ...readHostConfig(args),
    backend: backend === "auto" ? undefined : backend,
    outputs,
    isDetailed: outputs.some(({ format }) => format === "json" || format === "journald"),
    rotation: readRotation(args),
    snapshot: args.snapshot ?? false,
    ancestry: args.ancestry ?? false,
    time: { form: time, isUtc: utc },
    color: mayUseColor(),
    service: readService(),
    metrics: readMetrics(args.metrics),
    bufferBytes: readBufferSize(args.buffer),
    filter: {
      commands: readCommands(args.command, args.all ?? false),
      denied: readCommands(args.command, true),
      set: args.set === undefined ? undefined : glob(args.set),
      uid: readNumber("uid", args.uid, 0, MAX_UINT32 - 1),
      pid: readNumber("pid", args.pid, 1, MAX_UINT32),
      comm: readComm(args.comm),
      failed: args.failed ?? false,
    },
    limits: {
      events: readNumber("count", args.count, 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
      seconds: readNumber("duration", args.duration, 1, MAX_UINT32) ?? Number.POSITIVE_INFINITY,
    },
  };
}

const isLog = (format: OutputFormat): boolean => format === "journald" || format === "syslog";

/** Reads "text", "json:FILE" and so on. The parser has checked the format. */
function readOutputs(list: readonly string[] = [options.output.default]): OutputConfig[] {
  return list.map((text) => {
    const [, word, file] = /^(\w+)(?::(.*))?$/s.exec(text) ?? [];
    const format = word as OutputFormat;
    if (file === undefined) return { format, path: undefined };
    if (isLog(format)) throw usageError(`--output: ${format} has no file`);
    if (file === "") throw usageError(`--output: '${text}' needs the path of a file`);
    return { format, path: resolve(file) };
  });
}

function readRotation({ rotate, keep = options.keep.default }: Values): Config["rotation"] {
  const number = readNumber("keep", keep, 1, MAX_KEEP) ?? 0;
  if (rotate === undefined) return undefined;
  const maxBytes = readSize(rotate);
  if (maxBytes >= ROTATION.min && maxBytes <= ROTATION.max) return { maxBytes, keep: number };
  throw usageError(`--rotate: '${rotate}' is not a size from 1M to 1024G`);
}

/** Returns the bytes of a size such as "50M"; not a number if it has another form. */
function readSize(text: string): number {
  const [, digits, unit] = /^(\d{1,7})([KMG])$/.exec(text) ?? [];
  return Number(digits) * UNITS[unit as keyof typeof UNITS];
}

/** Returns the commands of a list. Without a list, returns all commands; `all` includes the handshake queries. */
function readCommands(list: string | undefined, all: boolean): ReadonlySet<Command> {
  if (list === undefined) {
    return new Set(commands.filter((command) => all || !handshakeCommands.has(command)));
  }
  return new Set(
    list.split(",").map((name) => {
      const command = commands.find((known) => known === name.trim().toUpperCase());
      if (!command) throw usageError(`--command: '${name}' is none of ${commands.join(", ").toLowerCase()}`);
      return command;
    }),
  );
}

function readNumber(option: string, text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw usageError(`--${option}: '${text}' is not a whole number from ${min} to ${max}`);
}

/** Returns a process name. Rejects longer names, because they match no process. */
function readComm(text: string | undefined): string | undefined {
  if (text === undefined || Buffer.byteLength(text) <= MAX_COMM) return text;
  throw usageError(`--comm: '${text}' is longer than ${MAX_COMM} bytes, the max length of a process name`);
}

/** Returns the buffer size in bytes. Ring buffers accept only powers of two. */
function readBufferSize(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const bytes = readSize(text);
  if (bytes >= BUFFER.min && bytes <= BUFFER.max && Number.isInteger(Math.log2(bytes))) return bytes;
  throw usageError(`--buffer: '${text}' is not a power of two from 64K to 1024M`);
}

/** Returns true if text may have colors (https://no-color.org/). A terminal without a name has no colors. */
function mayUseColor(): boolean {
  const { [variables.noColor.name]: noColor, [variables.term.name]: term } = process.env;
  return !noColor && !!term && term !== "dumb";
}

/** Returns what the service manager asks for. */
function readService(): Config["service"] {
  const { notifySocket, watchdogTime, watchdogPid } = variables;
  const { env } = process;
  const socket = env[notifySocket.name] || undefined;
  const path = /^(?:\/|@.)/;
  if (socket !== undefined && (!path.test(socket) || Buffer.byteLength(socket) > MAX_SOCKET_PATH))
    throw usageError(`${notifySocket.name}=${JSON.stringify(socket)} is not the path of a socket`);
  const time = env[watchdogTime.name] || undefined;
  if (time !== undefined && !/^[1-9]\d{0,15}$/.test(time))
    throw usageError(`${watchdogTime.name}=${JSON.stringify(time)} is not a number of microseconds`);
  const isForUs = [undefined, "", String(process.pid)].includes(env[watchdogPid.name]);
  return {
    socket,
    watchdogMs: time !== undefined && isForUs ? Number(time) / 1000 : Number.POSITIVE_INFINITY,
  };
}

/** Reads "PORT" of this host, "ADDRESS:PORT", "[ADDRESS]:PORT", "unix:PATH" or "file:PATH". */
function readMetrics(text: string | undefined): Config["metrics"] {
  if (text === undefined) return undefined;
  const [, kind, path = ""] = /^(unix|file):(\/.*)$/s.exec(text) ?? [];
  if (kind === "file") return { file: path };
  if (kind === "unix" && Buffer.byteLength(path) <= MAX_SOCKET_PATH) return { unix: path };
  const [, host = "127.0.0.1", port = "0"] = /^(?:(\[[\da-f:.]+\]|[\d.]+):)?(\d{1,5})$/i.exec(text) ?? [];
  const number = Number(port);
  if (isAddress(host) && number > 0 && number <= 0xffff) {
    return { hostname: host.replaceAll(/[[\]]/g, ""), port: number };
  }
  throw usageError(
    `--metrics: '${text}' is none of PORT, ADDRESS:PORT, [ADDRESS]:PORT, unix:PATH, file:PATH`,
  );
}

/** @param host an IPv4 address, or an IPv6 address in brackets; a URL has other forms of the first, and changes them. */
const isAddress = (host: string): boolean =>
  URL.canParse(`http://${host}`) && (host.startsWith("[") || new URL(`http://${host}`).hostname === host);

function readVersion(name: string): KernelVersion | undefined {
  const text = process.env[name];
  if (!text) return undefined;
  const version = parseKernelVersion(text);
  if (!version) throw usageError(`${name}=${JSON.stringify(text)} is not a kernel version such as 4.15.18`);
  return version;
}
