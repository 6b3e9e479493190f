// Does the backend see, and does it see what is there? A BTF that is another kernel's gives wrong offsets: no call
// fails, and every line is garbage. So mine sends a request by itself, one that asks for nothing, and compares what the
// kernel side reads of its sender with what /proc says.
import { readFileSync, readlinkSync } from "node:fs";
import type { CommonMaps } from "../backends/backend.ts";
import { SYSFS_BTF } from "../core/btf.ts";
import { CallError } from "../core/errors.ts";
import { readText } from "../core/files.ts";
import type { Decoded } from "../core/layout.ts";
import { unsupported } from "../errors.ts";
import { AUDIT_UID_UNSET } from "../events/event.ts";
import type { mineCheck } from "../events/skeleton.gen.ts";
import { NetlinkSocket } from "../host/ffi/netlink-socket.ts";
import { noopRequest } from "../ipset/request.ts";
import { log } from "../log.ts";

type Check = Decoded<typeof mineCheck>;
/** The kernel may pass by a program because another one was running on the same CPU. */
const ATTEMPTS = 3;
/** PROC_PID_INIT_INO of linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/**
 * Nobody else can guess it. Not from getrandom(2), which may wait for a minute on a machine that has just booted.
 * @returns a number that is not 0.
 */
export function checkNumber(): number {
  const uuid = readText("/proc/sys/kernel/random/uuid") ?? "";
  return Number.parseInt(uuid.slice(0, 8), 16) || Date.now() % 2 ** 32 || 1;
}

/**
 * After attach.
 * @param check nlmsg_seq of the request that the kernel side looks at; see struct mine_filter.
 * @throws MineError when nothing was read, or garbage.
 */
export function checkReading(
  { checks }: Pick<CommonMaps, "checks">,
  { btf, check }: { btf: string; check: number },
): void {
  let read = checks.get(0);
  let netns: number | undefined;
  for (let attempt = 0; attempt < ATTEMPTS && read.isRead === 0; attempt++) {
    netns = sendCheck(check);
    if (netns === undefined) return;
    read = checks.get(0);
  }
  const isForeign = btf !== SYSFS_BTF;
  const reason = isForeign ? "foreign-btf" : "blind-backend";
  const suspicion = isForeign ? `${btf} is not this kernel's BTF: ` : "";
  if (read.isRead === 0) {
    throw unsupported(reason, `${suspicion}nothing was seen of a request that mine sent by itself`);
  }
  const wrong = differences(read, expected(netns)).join(", ");
  if (wrong) throw unsupported(reason, `${suspicion}through it mine reads of itself ${wrong}`);
}

/** @returns the network namespace that it was sent in; undefined when it cannot be sent here. */
function sendCheck(sequence: number): number | undefined {
  try {
    using socket = NetlinkSocket.here();
    socket.send(noopRequest(sequence));
    return socket.netns;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    log.decision(`what is read was not checked: ${error.message}`);
    return undefined;
  }
}

type Facts = Partial<Record<Exclude<keyof typeof mineCheck, "isRead">, number>>;

/** What can be known here; the numbers of processes are others in a pid namespace. */
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

/** In bytes, whatever they mean. */
function argumentsLength(): Facts {
  try {
    return { argumentsLen: readFileSync("/proc/self/cmdline").length };
  } catch {
    return {};
  }
}

function isInitialPidNamespace(): boolean {
  try {
    return readlinkSync("/proc/self/ns/pid") === INITIAL_PID_NAMESPACE;
  } catch {
    return false;
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
