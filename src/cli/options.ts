// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The table of commands and options. The parser, the help, the man page and the shell completions use it.
import { backendNames } from "../backends/backend.ts";
import { handshakeCommands, commands as ipsetCommands } from "../ipset/message.ts";
import { timeForms } from "../output/time.ts";

/** Commands, each with a summary of one line. */
export const commandSummaries = {
  trace: "Show every ipset command until Ctrl-C (the default)",
  doctor: "Show what this host offers, and test mine on it",
  btf: "Write BTF for hosts with this kernel to a file",
  install: "Install mine, its service, man page and completions",
  uninstall: "Remove what mine install has put on this host",
} as const;

export type CommandName = keyof typeof commandSummaries;

export const defaultCommand: CommandName = "trace";

interface Row {
  /** Commands that accept the option. */
  commands: readonly CommandName[];
  /** The name after two dashes, if it is not the key. It can be the key of another command's option. */
  long?: string;
  /** The letter after a single dash. */
  short?: string;
  /** Placeholder of the value in the help. An option without it takes no value. */
  value?: string;
  /** All valid values. */
  words?: readonly string[];
  /** Value of a missing option. */
  default?: string;
  /** A path can follow a word: json:/var/log/mine/events.jsonl. */
  takesPath?: true;
  /** A repeated option has all its values; another one has the last. */
  repeats?: true;
  /** The value is a path. */
  isPath?: true;
  /** Words of a value that is a comma-separated list. */
  listOf?: readonly string[];
  /** Line of the short help, without words and default: these follow it. */
  summary: string;
  /** Paragraph of the long help and the man page, without words and default: these follow it. */
  details: string;
}

const listed = (names: Iterable<string>): string => [...names].join(", ").toLowerCase();

const both = ["trace", "doctor"] as const satisfies CommandName[];
const hosted = ["trace", "doctor", "btf"] as const satisfies CommandName[];
const installers = ["install", "uninstall"] as const satisfies CommandName[];
const all = [...hosted, ...installers] as const satisfies CommandName[];

export const options = {
  output: {
    commands: ["trace"],
    short: "o",
    value: "FORMAT",
    words: ["text", "json", "journald", "syslog"],
    takesPath: true,
    repeats: true,
    default: "text",
    summary: "Format",
    details:
      "Print each ipset command as one line of text, or as one JSON object per line. The JSON fields have the names of the Elastic Common Schema. With journald, send it to the journal of systemd, with fields to filter by, such as IPSET_SET, IPSET_COMMAND and IPSET_OUTCOME. With syslog, send the text to the system log at /dev/log. A path can follow text or json, as in json:/var/log/mine/events.jsonl: lines are appended to this file or named pipe in place of stdout. Repeat the option for several outputs.",
  },
  rotate: {
    commands: ["trace"],
    value: "SIZE",
    summary: "Begin a new file when one has SIZE, as in 50M",
    details:
      "Begin a new file when one has this size: a number with the unit K (1024 bytes), M (1024 K) or G (1024 M), 1M to 1024G. Each file has whole lines. The earlier file gets the name PATH.1, the one before it PATH.2.",
  },
  keep: {
    commands: ["trace"],
    value: "N",
    default: "10",
    summary: "Keep N earlier files",
    details: "Keep this number of earlier files with --rotate, 1 to 1000. The oldest one is removed.",
  },
  config: {
    commands: ["trace"],
    value: "FILE",
    isPath: true,
    summary: "Read options from this file",
    details:
      "Read options from this file, one per line, such as output = json:/var/log/mine/events.jsonl, or utc alone. A line that begins with # is a comment. An option of the command line replaces that of the file. Without this option mine reads no file; the service reads /etc/mine.conf.",
  },
  time: {
    commands: ["trace"],
    value: "FORM",
    words: timeForms,
    default: "minute",
    summary: "Time in text",
    details:
      "Write the time in a line of text in this form: the local minute; ISO 8601 with microseconds and the offset from UTC; or seconds since the start. With -o json this option has no effect: JSON has UTC with nanoseconds.",
  },
  utc: {
    commands: ["trace"],
    summary: "Time in UTC in place of local time",
    details: "Write the time in a line of text in UTC in place of local time.",
  },
  ancestry: {
    commands: ["trace"],
    summary: "Text with the processes that started the caller",
    details:
      "Add the processes that started the caller to a line of text, the parent first: by fail2ban-server[77] < systemd[1]. They are those at the time of the command, eight at most. JSON always has them.",
  },
  snapshot: {
    commands: ["trace"],
    summary: "Record the elements of all sets at the start",
    details:
      "Record the elements of all sets at the start, in the network namespace of mine. Only JSON has them; it always has the sets themselves. The elements are in memory until they are written.",
  },
  metrics: {
    commands: ["trace"],
    value: "ADDRESS",
    summary: "Metrics for Prometheus: PORT, unix:PATH, file:PATH",
    details:
      "Serve metrics for Prometheus at http://ADDRESS/metrics. ADDRESS is a port of 127.0.0.1, an IP address and a port as in 192.0.2.1:9095 or [2001:db8::1]:9095, or a socket as in unix:/run/mine.sock. There is no encryption, and every client may read. With file:PATH write them to this file in place of that, each ten seconds, for the textfile collector of the node_exporter.",
  },
  command: {
    commands: ["trace"],
    value: "LIST",
    listOf: ipsetCommands.map((name) => name.toLowerCase()),
    summary: "Only these ipset commands, for example create,destroy",
    details: `Print only these ipset commands, separated by commas: ${listed(ipsetCommands)}. To see requests of callers without CAP_NET_ADMIN too, name protocol: the kernel refuses the first request of ipset(8) then.`,
  },
  all: {
    commands: ["trace"],
    summary: "Also the queries that ipset(8) sends before its work",
    details: `Also print the handshake queries that ipset(8) sends before its work: ${listed(handshakeCommands)}. With --command this option has no effect.`,
  },
  set: {
    commands: ["trace"],
    value: "GLOB",
    summary: "Only sets whose name matches (* and ?)",
    details:
      "Print only commands on a set whose name matches. In the pattern * is any number of characters and ? is one character. A command on all sets always matches.",
  },
  uid: {
    commands: ["trace"],
    value: "UID",
    summary: "Only this real, effective or login user ID",
    details:
      "Print only commands of this user ID, a number. It may be the real, the effective or the login user.",
  },
  pid: {
    commands: ["trace"],
    value: "PID",
    summary: "Only this process ID",
    details: "Print only commands of this process ID, as the initial PID namespace numbers it.",
  },
  comm: {
    commands: ["trace"],
    value: "NAME",
    summary: "Only processes with this name",
    details:
      "Print only commands of processes with this name. It is the name in /proc/PID/comm, of at most 15 bytes. It must match exactly: this is not a pattern.",
  },
  failed: {
    commands: ["trace"],
    summary: "Only commands that failed",
    details: "Print only commands that failed. Commands with an unknown outcome are not printed.",
  },
  count: {
    commands: ["trace"],
    value: "N",
    summary: "Stop after N commands",
    details: "Stop after N printed commands. Without this option there is no limit.",
  },
  duration: {
    commands: ["trace"],
    value: "SECONDS",
    summary: "Stop after this many seconds",
    details: "Stop after this time, a whole number of seconds. Without this option there is no limit.",
  },
  backend: {
    commands: ["trace"],
    value: "NAME",
    words: ["auto", ...backendNames],
    default: "auto",
    summary: "Use",
    details:
      "Use this backend to see the commands. With auto, mine tries the others in the order of the list below, and uses the first that works on this kernel. With another name mine stops with an error if that backend does not work.",
  },
  buffer: {
    commands: ["trace"],
    value: "SIZE",
    summary: "Event buffer size, 64K to 1024M (default 8M)",
    details:
      "Event buffer size for the whole machine: a power of two with the unit K (1024 bytes) or M (1024 K), 64K to 1024M. The default is 8M. A larger buffer loses fewer events when many commands come at once. Before Linux 5.8 the size is divided among the CPUs.",
  },
  json: {
    commands: ["doctor"],
    summary: "Print one JSON object in place of text",
    details: "Print the report as one JSON object in place of text.",
  },
  file: {
    commands: ["btf"],
    long: "output",
    short: "o",
    value: "FILE",
    isPath: true,
    summary: "The file; it must not exist",
    details:
      "Write BTF with the offsets that mine finds in this kernel's memory to FILE, which must not exist. On another host with exactly this kernel, mine finds it as /boot/vmlinux-RELEASE, or with --btf.",
  },
  prefix: {
    commands: installers,
    value: "DIRECTORY",
    isPath: true,
    default: "/usr/local",
    summary: "Install below this directory",
    details:
      "Install below this directory, an absolute path: sbin/mine, lib/systemd/system/mine.service, and below share the man page, the completions and a list of all these files, mine/installed. The configuration of the service is /etc/mine.conf; below another directory than /usr or /usr/local it is etc/mine.conf there. A changed one stays.",
  },
  dryRun: {
    commands: installers,
    long: "dry-run",
    summary: "Only print the paths of the files",
    details: "Only print the paths of the files that would be installed or removed.",
  },
  verbose: {
    commands: hosted,
    short: "v",
    summary: "Log decisions, and messages of libbpf, to stderr",
    details: "Log the decisions of mine, with reasons, and every message of libbpf to stderr.",
  },
  btf: {
    commands: both,
    value: "PATH",
    isPath: true,
    summary: "Read the kernel's BTF from this file",
    details:
      "Read the kernel's BTF from this file, raw or ELF. Without this option mine searches /sys/kernel/btf/vmlinux, /boot/vmlinux-RELEASE and the other places where libbpf searches.",
  },
  /** Has no long form, because its name is one letter. */
  h: {
    commands: all,
    short: "h",
    summary: "Show a short help",
    details: "Show a short help: each option in one line.",
  },
  help: {
    commands: all,
    summary: "Show the full help",
    details: "Show the full help. With a command, it has the options of this command only.",
  },
  version: {
    commands: all,
    summary: "Show the version",
    details: "Show the version of mine.",
  },
  generate: {
    commands: all,
    value: "KIND",
    words: ["man", "complete-bash", "complete-zsh", "complete-fish"],
    summary: "Print the man page or a shell completion",
    details: "Print the man page or the completion file of a shell to stdout, for installation.",
  },
} as const satisfies Record<string, Row>;

export type OptionName = keyof typeof options;

/** The same rows with a common type, for code that handles any option. */
export const rows: Readonly<Record<OptionName, Row>> = options;
export const optionNames = Object.keys(options) as OptionName[];

type Value<Option> = Option extends { repeats: true }
  ? readonly string[]
  : Option extends { words: readonly (infer Word)[] }
    ? Word
    : Option extends { value: string }
      ? string
      : true;

/** Options of a command line, with their values. */
export type Values = { [Name in OptionName]?: Value<(typeof options)[Name]> };

/** Returns the name of an option after two dashes. */
export const longName = (name: OptionName): string => rows[name].long ?? name;

/** Returns whether the option has the name of another command's option. */
export const sharesName = (name: OptionName): boolean => (rows[name].long ?? "") in rows;

/** Returns the ways to write an option, the short one first. */
export function spellings(name: OptionName): string[] {
  const { short } = rows[name];
  const long = name.length === 1 ? [] : [`--${longName(name)}`];
  return short === undefined ? long : [`-${short}`, ...long];
}
