// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks that every sent command is counted once: as seen, lost or filtered. The sender counts the kernel's
// acknowledgements. mine counts independently.
import { chmodSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compileC, root } from "./compile.ts";

const { MINE_SOAK } = process.env;

/** Returns the full size with MINE_SOAK=1 (make soak), which takes minutes; else the size for `make test`. */
export const sized = (short: number, full: number): number => (MINE_SOAK === "1" ? full : short);
/** Timeout of a test of either size. */
export const soakTimeoutMs = sized(120, 3600) * 1000;

/** Compiles tests/support/sender.c below `dir`. @returns the path of the program. */
export function compileSender(dir: string): string {
  const folder = join(root, "tests/support");
  const source = readFileSync(join(folder, "sender.c"), "utf8");
  const program = compileC(dir, source, ["-O2", "-pthread", `-I${folder}`]);
  chmodSync(dirname(program), 0o755); // other users run it too
  return program;
}

/** A uid that no other process has. With --uid, mine sees only the commands of the test's senders. */
export const SENDER_UID = String(4_000_000_000 + process.pid);
const sendingWith = (rights: string) => [
  ...["setpriv", `--reuid=${SENDER_UID}`, `--regid=${SENDER_UID}`, "--clear-groups"],
  ...[`--inh-caps=${rights}`, `--ambient-caps=${rights}`],
];
export const asSender = sendingWith("+net_admin,+sys_admin");
/** Command prefix without CAP_NET_ADMIN, which ipset requires. */
export const asDeniedSender = sendingWith("+sys_admin");

/** Counts that a sender printed. */
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

/** Runs a sender to its end. @param command the sender with its arguments, or a program that runs it. */
export async function send(...command: string[]): Promise<Sent> {
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed: ${stderr}`);
  return readSent(stdout);
}
