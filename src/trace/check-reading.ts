// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks that the backend sees requests and reads correct data. BTF of another kernel gives wrong offsets: no call
// fails, and every line is garbage. So mine sends a request without an effect, and compares the sender's data from
// the BPF side with /proc.
import { readFileSync } from "node:fs";
import { SYSFS_BTF } from "bun-libbpf";
import { CallError } from "bun-libbpf/errors";
import type { Decoded } from "bun-libbpf/layout";
import type { CommonMaps } from "../backends/backend.ts";
import { unsupported } from "../errors.ts";
import { AUDIT_UID_UNSET } from "../events/event.ts";
import type { mineCheck } from "../events/skeleton.gen.ts";
import { NetlinkSocket } from "../host/ffi/netlink-socket.ts";
import { isInitialPidNamespace, readText } from "../host/sysfs.ts";
import { noopRequest } from "../ipset/request.ts";
import { log } from "../log.ts";

type Check = Decoded<typeof mineCheck>;
/** Max attempts: the kernel skips a program while another one runs on the same CPU. */
const ATTEMPTS = 3;

/**
 * Checks an attached backend.
 * @param check nlmsg_seq of the request that the BPF side checks; see struct mine_filter.
 * @throws MineError if the backend read no data, or wrong data.
 */
export function checkReading(
  { checks }: Pick<CommonMaps, "checks">,
  { btf, check }: { btf: { path: string; offsets?: object }; check: number },
): void {
  let read = checks.get(0);
  let netns: number | undefined;
  for (let attempt = 0; attempt < ATTEMPTS && read.isRead === 0; attempt++) {
    netns = sendCheck(check);
    if (netns === undefined) return;
    read = checks.get(0);
  }
  const isForeign = btf.path !== SYSFS_BTF && !btf.offsets;
  const reason = isForeign ? "foreign-btf" : "blind-backend";
  const suspicion = isForeign ? `${btf.path} is not this kernel's BTF: ` : "";
  if (read.isRead === 0) {
    throw unsupported(reason, `${suspicion}the backend did not see a request that mine sent`);
  }
  const wrong = differences(read, expected(netns)).join(", ");
  if (wrong) throw unsupported(reason, `${suspicion}the backend read wrong data about mine: ${wrong}`);
}

/** Sends the request. @returns the inode number of its network namespace; undefined if sending fails. */
function sendCheck(sequence: number): number | undefined {
  try {
    using socket = NetlinkSocket.here();
    socket.send(noopRequest(sequence));
    return socket.netns;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    log.decision(`skipping the check of the backend: ${error.message}`);
    return undefined;
  }
}

type Facts = Partial<Record<Exclude<keyof typeof mineCheck, "isRead">, number>>;

/** Returns the facts that /proc has. Process IDs differ inside a PID namespace, so there the parent is omitted. */
function expected(netns: number | undefined): Facts {
  const number = (path: string): number => Number(readText(path)?.trim() ?? AUDIT_UID_UNSET);
  const { ppid } = process;
  return {
    ...(isInitialPidNamespace() ? { ppid } : {}),
    effectiveUid: 0,
    loginUid: number("/proc/self/loginuid"),
    sessionId: number("/proc/self/sessionid"),
    ...(netns === undefined ? {} : { netns }),
    ...argumentsLength(),
  };
}

/** Returns the bytes of the command line, NULs included. */
function argumentsLength(): Facts {
  try {
    return { argumentsLen: readFileSync("/proc/self/cmdline").length };
  } catch {
    return {};
  }
}

function differences(read: Check, facts: Facts): string[] {
  const words: Record<keyof Facts, string> = {
    argumentsLen: "a command line of length",
    ppid: "the parent",
    effectiveUid: "the effective uid",
    loginUid: "the login uid",
    sessionId: "the session",
    netns: "the network namespace",
  };
  return (Object.keys(words) as (keyof Facts)[])
    .filter((name) => facts[name] !== undefined && Number(read[name]) !== facts[name])
    .map((name) => `${words[name]} ${read[name]} instead of ${facts[name]}`);
}
