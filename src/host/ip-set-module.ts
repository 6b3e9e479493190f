// Makes sure that ip_set is there to be probed. Its first user would load it from inside the kernel; asking
// for it before is how that first command is seen too.
import { release } from "node:os";
import { readText } from "../core/files.ts";
import { unsupported } from "../errors.ts";
import { log } from "../log.ts";
import { hasIpset, ipsetIsModule } from "./sysfs.ts";

/** @throws MineError when ip_set is neither built in nor loaded, and cannot be loaded. */
export function ensureIpset(): void {
  if (hasIpset()) return;
  // The helper that the kernel itself would run; /sbin/modprobe nearly everywhere.
  const modprobe = readText("/proc/sys/kernel/modprobe")?.trim() || "/sbin/modprobe";
  log.decision(`ip_set is not loaded; running ${modprobe} ip_set`);
  const answer = run([modprobe, "ip_set"]);
  if (hasIpset()) return;
  throw unsupported("no-ip-set", `cannot load the ip_set module: ${answer}`);
}

/** @returns what the command said when it failed. */
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

export type IpsetState = "built in" | "loaded" | "loadable" | "missing";

export function ipsetState(): IpsetState {
  if (hasIpset()) return ipsetIsModule() ? "loaded" : "built in";
  return listsIpset(readText(`/lib/modules/${release()}/modules.dep`) ?? "") ? "loadable" : "missing";
}

/** @param index modules.dep: "PATH/ip_set.ko.xz: what it depends on". */
export const listsIpset = (index: string): boolean => /^(?:.*\/)?ip_set\.ko(?:\.\w+)?:/m.test(index);
