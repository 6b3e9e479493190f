// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Every command that was sent must be accounted for: seen, lost or filtered. The sender counts what the
// kernel acknowledged, mine counts by itself, and neither knows of the other.
import { chmodSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compileC, root } from "./compile.ts";

const { MINE_SOAK } = process.env;

/** MINE_SOAK=1 (make soak): the sizes that take minutes; else what fits in `make test`. */
export const sized = (short: number, full: number): number => (MINE_SOAK === "1" ? full : short);
/** Helpers for tests of any size. */
export const soakTimeoutMs = sized(120, 3600) * 1000;

/** @returns the path of tests/support/sender.c, compiled. */
export function compileSender(dir: string): string {
  const folder = join(root, "tests/support");
  const source = readFileSync(join(folder, "sender.c"), "utf8");
  const program = compileC(dir, source, ["-O2", "-pthread", `-I${folder}`]);
  chmodSync(dirname(program), 0o755); // others than root run it too
  return program;
}

/** Nobody else's: with --uid, mine sees of this host's commands only those of our senders. */
export const SENDER_UID = String(4_000_000_000 + process.pid);
const sendingWith = (rights: string) => [
  ...["setpriv", `--reuid=${SENDER_UID}`, `--regid=${SENDER_UID}`, "--clear-groups"],
  ...[`--inh-caps=${rights}`, `--ambient-caps=${rights}`],
];
export const asSender = sendingWith("+net_admin,+sys_admin");
/** Without the right that ipset asks for. */
export const asDeniedSender = sendingWith("+sys_admin");

/** Output of a sender. */
export interface Sent {
  handled: number;
  failed: number;
  unanswered: number;
}

export function readSent(line: string): Sent {
  const [, ...numbers] = /^handled (\d+) failed (\d+) unanswered (\d+)$/.exec(line.trim()) ?? [];
  const [handled, failed, unanswered] = numbers.map(Number);
  if (handled === undefined || failed === undefined || unanswered === undefined) {
    throw new Error(`not what a sender prints: ${line}`);
  }
  return { handled, failed, unanswered };
}

/** @param command the sender with its arguments, or what runs it. */
export async function send(...command: string[]): Promise<Sent> {
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed: ${stderr}`);
  return readSent(stdout);
}
