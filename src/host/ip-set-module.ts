// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Loads ip_set before it is probed. Otherwise the kernel loads it for its first user, and mine misses that
// command.
import { release } from "node:os";
import { CallError } from "bun-libbpf/errors";
import { unsupported } from "../errors.ts";
import { log } from "../log.ts";
import { NetlinkSocket } from "./ffi/netlink-socket.ts";
import { hasIpset, ipsetIsModule, readText } from "./sysfs.ts";

/** How long mine waits for another process that loads the module. */
const LOAD_MS = 10_000;

/**
 * Ensures that ip_set is built in or loaded.
 * @param request an ipset message without an effect. Before the answer the kernel itself runs modprobe, outside of every
 * container. So this works in a container without modprobe and modules.
 * @throws MineError if it cannot be loaded.
 */
export function ensureIpset(request: Uint8Array): void {
  if (isReady()) return;
  // The kernel itself runs this helper. It is /sbin/modprobe on nearly all hosts.
  const modprobe = readText("/proc/sys/kernel/modprobe")?.trim() || "/sbin/modprobe";
  log.decision(`ip_set is not loaded; running ${modprobe} ip_set`);
  const answer = run([modprobe, "ip_set"]);
  if (isReady()) return;
  log.decision(`${answer}; sending a request for which the kernel loads ip_set`);
  send(request);
  if (isReady()) return;
  throw unsupported("no-ip-set", `cannot load the ip_set module: ${answer}`);
}

/**
 * Returns whether ip_set is there. While another process loads it, /proc/modules lists it as "Loading", and modprobe
 * of busybox succeeds at once; /sys/module has it a little later (kernel/module/main.c, load_module).
 */
function isReady(): boolean {
  const end = performance.now() + LOAD_MS;
  while (isLoading() && performance.now() < end) Bun.sleepSync(10);
  return hasIpset();
}

/** Lines of /proc/modules: NAME SIZE REFERENCES USERS STATE ADDRESS. */
const isLoading = (): boolean => /^ip_set \d+ \S+ \S+ Loading /m.test(readText("/proc/modules") ?? "");

/** Runs a command. Returns the text that it wrote to stderr, or else its exit status. */
function run(command: string[]): string {
  try {
    const { exitCode, stderr } = Bun.spawnSync(command, {
      env: {},
      cwd: "/",
      stdin: "ignore",
      stdout: "ignore",
    });
    return (
      stderr.toString().trim().replaceAll("\n", "; ") || `${command.join(" ")} ended with status ${exitCode}`
    );
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function send(request: Uint8Array): void {
  try {
    using socket = NetlinkSocket.here();
    socket.send(request);
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    log.decision(error.message);
  }
}

export type IpsetState = "built in" | "loaded" | "loadable" | "missing";

export function ipsetState(): IpsetState {
  if (hasIpset()) return ipsetIsModule() ? "loaded" : "built in";
  return listsIpset(readText(`/lib/modules/${release()}/modules.dep`) ?? "") ? "loadable" : "missing";
}

/**
 * Returns whether modules.dep lists ip_set.
 * @param index its text, with lines like "PATH/ip_set.ko.xz: DEPENDENCIES".
 */
export const listsIpset = (index: string): boolean => /^(?:.*\/)?ip_set\.ko(?:\.\w+)?:/m.test(index);
