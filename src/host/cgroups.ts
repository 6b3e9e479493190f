// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds cgroups by their id: the inode number of the directory, in the unified hierarchy or in systemd's own.
// The kernel side sends the path with the id. Where it cannot (Linux before 5.8, the root, a very long path), a search
// finds the id in the hierarchy, if the cgroup is still there.
// A host may have tens of thousands of cgroups, and new ones all the time. mine reads no event during a
// search. So a search has a time budget, and continues with the next event.
// open_by_handle_at(2) opens a cgroup by its id at once. But it needs the privilege to read every file of the
// host, and the thread that decodes untrusted input must not have that.
import { readdirSync, statSync } from "node:fs";
import { joined, type Path, shownPath } from "./raw-path.ts";
import { type Units, unitsOf } from "./units.ts";

/** A hierarchy of cgroups. */
interface Hierarchy {
  /** Its mount point. */
  root: string;
  /** It is the unified one; else the one without controllers that systemd keeps in its place. */
  isUnified: boolean;
}

/** Mount points of the unified hierarchy: alone, or beside the older hierarchies. */
const roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] as const;
const SYSTEMD_ROOT = "/sys/fs/cgroup/systemd";

/**
 * Maximum share of the time for searches, and maximum milliseconds of one search: enough for a few hundred
 * cgroups.
 */
const SHARE = 1 / 20;
const MAX_MS = 20;
/**
 * Minimum cgroups of a walk, regardless of time. A host with few cgroups gets all names even when it is busy.
 */
const MIN_STEPS = 64;
/** Maximum number of unknown ids to remember, and of ids that came with their path. */
const MAX_ASKED = 4096;

/**
 * The 64 hexadecimal digits that docker, containerd, cri-o and podman put into names of cgroups, after a name of their
 * own. conmon monitors a container from outside. It has a cgroup with the same digits.
 */
const container =
  /(?:^|[-/:])(?:(docker|cri-containerd|nerdctl|crio|libpod)(?:-payload)?[-/:])?(?<!-conmon-)([0-9a-f]{64})(?:\.scope)?(?:\/|$)/;
const runtimes: Record<string, string> = {
  docker: "docker",
  "cri-containerd": "containerd",
  nerdctl: "containerd",
  crio: "cri-o",
  libpod: "podman",
};
/** The unique id of a pod. In the name of a slice, where a dash is a level, it has underscores. */
const pod = /[/-]kubepods(?:[./-].*?)?[/-]pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?=[./:]|$)/;
/** Part of a path whose names a user chooses. */
const userOwned = /\/user\.slice(?:\/.*)?$/;

export interface Cgroup {
  /** Path from the root of the hierarchy: "/system.slice/docker-....scope". */
  path: string;
  container?: Container | undefined;
  /** Unique id of the pod of Kubernetes. */
  podUid?: string | undefined;
  units?: Units | undefined;
}

export interface Container {
  /** 64 hexadecimal digits. */
  id: string;
  /** Absent if the path does not have its name. */
  runtime?: string;
}

/** A cgroup as an event has it. */
export interface Reported {
  cgroupId: bigint;
  /** Undefined if the kernel side did not send it. */
  cgroupPath: Uint8Array | undefined;
}

export function cgroupOf(path: string): Cgroup {
  const trusted = path.replace(userOwned, "");
  return {
    path,
    container: containerOf(trusted),
    podUid: pod.exec(trusted)?.[1]?.replaceAll("_", "-"),
    units: unitsOf(path),
  };
}

function containerOf(path: string): Container | undefined {
  const [, prefix = "", id] = container.exec(path) ?? [];
  if (id === undefined) return undefined;
  const runtime = runtimes[prefix];
  return runtime === undefined ? { id } : { id, runtime };
}

export class Cgroups {
  readonly #root: string | undefined;
  readonly #now: () => number;
  #known = new Map<bigint, Cgroup>();
  /** The cgroups that came with their path. */
  readonly #reported = new Map<bigint, Cgroup>();
  /**
   * State of the current walk through all cgroups: the cgroups found, the queue of paths, and the next index
   * in it.
   */
  #found = new Map<bigint, Cgroup>();
  #queue: Path[] = [];
  #next = 0;
  /** Number of the current walk, or of the next one. */
  #walk = 0;
  /**
   * By id: number of the first walk that began after the first request. If that walk misses the cgroup, it
   * does not exist.
   */
  readonly #decisive = new Map<bigint, number>();
  #savedMs = MAX_MS;
  #lastMs: number;

  constructor(root: string | undefined, now: () => number = () => performance.now()) {
    this.#root = root;
    this.#now = now;
    this.#lastMs = now();
  }

  /**
   * Returns the cgroup of an event. If it came without its path, the result is undefined where it does not exist,
   * where the time budget is used up, or where there is no hierarchy.
   */
  find(event: Reported): Cgroup | undefined {
    const id = event.cgroupId;
    const known = this.#reported.get(id) ?? this.#known.get(id);
    if (known || id === 0n) return known;
    const path = event.cgroupPath;
    if (path) return this.#remember(id, cgroupOf(shownPath(Buffer.from(path))));
    if (this.#root === undefined) return undefined;
    const decisive = this.#decisive.get(id) ?? this.#walk + (this.#isWalking ? 1 : 0);
    if (this.#walk > decisive) return undefined;
    if (this.#decisive.size >= MAX_ASKED) this.#decisive.clear();
    this.#decisive.set(id, decisive);
    this.#lookFor(this.#root, id, decisive);
    return this.#known.get(id);
  }

  #remember(id: bigint, cgroup: Cgroup): Cgroup {
    if (this.#reported.size >= MAX_ASKED) this.#reported.clear();
    this.#reported.set(id, cgroup);
    return cgroup;
  }

  get #isWalking(): boolean {
    return this.#next < this.#queue.length;
  }

  #lookFor(root: string, id: bigint, decisive: number): void {
    const startMs = this.#now();
    this.#savedMs = Math.min(this.#savedMs + (startMs - this.#lastMs) * SHARE, MAX_MS);
    this.#lastMs = startMs;
    const endMs = startMs + this.#savedMs;
    while (this.#walk <= decisive && !this.#known.has(id)) {
      if (this.#next >= MIN_STEPS && this.#now() >= endMs) break;
      this.#step(root);
    }
    this.#savedMs -= this.#now() - startMs;
  }

  /** Visits one cgroup: the root, or the next in the queue. The walk is breadth-first. */
  #step(root: string): void {
    if (!this.#isWalking) this.#queue = ["/"];
    const path = this.#queue[this.#next++] ?? "/";
    this.#visit(root, path);
    if (this.#isWalking) return;
    this.#known = this.#found; // drops removed cgroups
    this.#found = new Map();
    this.#queue = [];
    this.#next = 0;
    this.#walk += 1;
  }

  #visit(root: string, path: Path): void {
    try {
      const { ino, nlink } = statSync(joined(root, path), { bigint: true });
      const cgroup = cgroupOf(shownPath(path));
      this.#known.set(ino, cgroup);
      this.#found.set(ino, cgroup);
      if (nlink === 2n) return; // a link from its parent and its own ".": it has no children
      for (const name of childrenOf(joined(root, path))) {
        this.#queue.push(path === "/" ? joined(path, name) : joined(joined(path, "/"), name));
      }
    } catch {
      // The cgroup was removed during the walk.
    }
  }
}

/** Returns the names of the directories in a directory. A name that is not UTF-8 is a Buffer. */
function childrenOf(path: Path): Path[] {
  const names = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  if (!names.some((name) => name.includes("\ufffd"))) return names;
  return readdirSync(path, { encoding: "buffer" }).filter((name) =>
    statSync(joined(joined(path, "/"), name)).isDirectory(),
  );
}

/** Returns the hierarchy that tells the units and containers of this host; undefined if there is none. */
export function findHierarchy(
  unified: readonly string[] = roots,
  older = SYSTEMD_ROOT,
): Hierarchy | undefined {
  const root = unified.find((candidate) => exists(`${candidate}/cgroup.controllers`));
  if (root !== undefined) return { root, isUnified: true };
  return exists(`${older}/cgroup.procs`) ? { root: older, isUnified: false } : undefined;
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
