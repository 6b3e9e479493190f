// Cgroups by their id, which in the unified hierarchy is the inode number of the directory.
import { readdirSync, statSync } from "node:fs";

/** Where the unified hierarchy is mounted: alone, or beside the old ones. */
const roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] as const;

/** A cgroup that is not known makes us look again, but not more often than this. */
const RESCAN_MS = 1000;

/**
 * The 64 hexadecimal digits that docker, containerd, cri-o and podman put into the names of cgroups. conmon, which
 * watches over a container from outside, has a cgroup with the same digits.
 */
const containerId = /(?:^|[-/:])(?<!-conmon-)([0-9a-f]{64})(?:\.scope)?(?:\/|$)/;

export interface Cgroup {
  /** From the root of the hierarchy: "/system.slice/docker-....scope". */
  path: string;
  containerId: string | undefined;
}

export function cgroupOf(path: string): Cgroup {
  return { path, containerId: containerId.exec(path)?.[1] };
}

export class Cgroups {
  readonly #root: string | undefined;
  readonly #known = new Map<bigint, Cgroup>();
  #scannedMs = Number.NEGATIVE_INFINITY;

  constructor(candidates: readonly string[] = roots) {
    this.#root = candidates.find(isUnified);
  }

  /** @returns undefined when there is no such cgroup any more, or no unified hierarchy. */
  find(id: bigint): Cgroup | undefined {
    const known = this.#known.get(id);
    if (known || id === 0n || this.#root === undefined) return known;
    const nowMs = performance.now();
    if (nowMs - this.#scannedMs < RESCAN_MS) return undefined;
    this.#scannedMs = nowMs;
    this.#known.clear();
    this.#scan(this.#root, "/");
    return this.#known.get(id);
  }

  #scan(root: string, path: string): void {
    try {
      this.#known.set(statSync(root + path, { bigint: true }).ino, cgroupOf(path));
      for (const entry of readdirSync(root + path, { withFileTypes: true })) {
        if (entry.isDirectory()) this.#scan(root, path === "/" ? `/${entry.name}` : `${path}/${entry.name}`);
      }
    } catch {
      // It went away while we looked.
    }
  }
}

function isUnified(root: string): boolean {
  return statSync(`${root}/cgroup.controllers`, { throwIfNoEntry: false }) !== undefined;
}
