// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Writes the report of `mine doctor` as text: two columns in lines of 80 characters, unless a word is longer.

import { harmless } from "../output/escape.ts";
import { fold } from "../output/fold.ts";
import type { Backend, Btf, Buffer, DoctorReport, IpSet, Offset, Privileges, SelfTest } from "./report.ts";

const WIDTH = 80;
const LABEL_WIDTH = 14;
const COMMAND_WIDTH = 34;
const ANSWER_WIDTH = 17;

/** Returns the text, without the last newline. */
export function formatDoctorText(report: DoctorReport): string {
  const { versions, kernel, privileges } = report;
  const chosen = report.backends.find(({ name }) => name === report.choice);
  return [
    ...row("versions", `mine ${versions.mine}, Bun ${versions.bun}, libbpf ${versions.libbpf}`),
    ...row("kernel", `${kernel.release} ${kernel.machine}`, kernel.version),
    ...row("user", `uid ${privileges.uid}, ${userNamespaces[privileges.user_namespace]}`),
    ...row("capabilities", capabilities(privileges)),
    ...row("restrictions", restrictions(privileges)),
    ...row("locked memory", lockedMemory(privileges)),
    ...row("BTF", ...btf(report.btf)),
    ...row("ip_set", ipSet(report.ip_set)),
    ...report.backends.flatMap((backend) => row(backend.name, usable(backend))),
    ...row("event buffer", buffer(report.buffer)),
    ...row("confinement", ...report.confinement),
    ...row("choice", chosen?.name ?? "none", ...(chosen?.caveats ?? [])),
    ...selfTest(chosen?.self_test ?? null),
  ].join("\n");
}

/** Returns a label with folded lines beside it. */
function row(label: string, ...texts: string[]): string[] {
  const lines = texts.flatMap((text) => fold(harmless(text), WIDTH - LABEL_WIDTH));
  return lines.map((line, index) => (index === 0 ? label : "").padEnd(LABEL_WIDTH) + line);
}

const userNamespaces = {
  initial: "in the initial user namespace",
  other: "in another user namespace: not root on this host",
} as const;

function capabilities({ capabilities: { missing }, user_namespace }: Privileges): string {
  const held = missing.length === 0 ? "all that matter" : `without ${missing.join(", ")}`;
  return user_namespace === "initial" ? held : `${held}, in that namespace only`;
}

function restrictions({ seccomp, no_new_privs, lockdown }: Privileges): string {
  return [
    `seccomp ${seccomp ?? "not in this kernel"}`,
    `no_new_privs ${no_new_privs ? "set" : "not set"}`,
    `lockdown ${lockdown ?? "unknown"}`,
  ].join(", ");
}

function lockedMemory({ locked_memory: limits }: Privileges): string {
  if (!limits) return "limit unknown";
  const raised = limits.hard === limits.soft ? "" : `, can be raised to ${size(limits.hard)}`;
  return limits.soft === null ? "unlimited" : `limit ${size(limits.soft)}${raised}`;
}

function btf({ path, places, offsets }: Btf): string[] {
  const looked = places.filter(({ message }) => message !== null);
  const lines = looked.map(({ path, message }) => `${path}: ${message}`);
  if (offsets)
    return ["none; mine found the offsets in the kernel's memory", ...offsets.map(found), ...lines];
  return path === null ? ["none", ...lines] : [path, ...lines.map((line) => `not ${line}`)];
}

const found = ({ field, offset, evidence }: Offset): string =>
  offset === null ? `${field}: not in this kernel` : `${field} ${offset}: ${evidence}`;

function ipSet({ found, state, btf }: IpSet): string {
  if (state === "missing") return "missing";
  if (state === "loadable") return "module, loadable";
  const now = found === state ? state : `${found}, now ${state}`;
  return `${state === "loaded" ? "module, " : ""}${now}, ${btf ? "with" : "without"} BTF`;
}

const usable = ({ usable, message }: Backend): string => (usable ? "yes" : `no: ${message}`);

function buffer(buffer: Buffer | null): string {
  if (!buffer) return "none";
  const { kind, count, bytes } = buffer;
  if (kind === "ring") return `ring buffer of ${size(bytes)}`;
  return `perf buffer of ${count} x ${size(bytes)}, one per CPU, ${size(count * bytes)} in all`;
}

function selfTest(test: SelfTest | null): string[] {
  if (!test) return row("self-test", "not run");
  const { verdict, message, commands } = test;
  if (verdict === "unknown") return row("self-test", `cannot run: ${message}`);
  const result = verdict === "passed" ? `all ${commands.length} commands seen as answered` : message;
  const lines = commands.map(({ command, answer, seen, agrees }) => {
    const reply = (answer ?? "no answer").padEnd(ANSWER_WIDTH);
    return `  ${command.padEnd(COMMAND_WIDTH)}${reply}${agrees ? "seen" : `seen: ${seen ?? "nothing"}`}`;
  });
  return [...row("self-test", `${verdict}, ${result}`), ...lines.map(harmless)];
}

const units = [
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
] as const;

/** Returns a size in the largest unit that divides it. */
function size(bytes: number | null): string {
  if (bytes === null) return "unlimited";
  const [unit, factor] = units.find(([, factor]) => bytes >= factor && bytes % factor === 0) ?? ["bytes", 1];
  return `${bytes / factor} ${unit}`;
}
