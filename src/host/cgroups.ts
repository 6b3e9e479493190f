// Cgroups by their id, which in the unified hierarchy is the inode number of the directory.
// The trap: there may be tens of thousands of them, new ones all the time, and while we look no event is read. So
// looking is rationed, and goes on with the next event. The kernel would open one by its id at once
// (open_by_handle_at(2)), but only for who may read every file of this host, and the thread that decodes what
// strangers sent shall not.
import { readdirSync, statSync } from "node:fs";
import { joined, type Path, shownPath } from "./raw-path.ts";

/** Where the unified hierarchy is mounted: alone, or beside the old ones. */
const roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] as const;

/** Looking takes no more than this part of the time, and no more at once than a few hundred cgroups need. */
const SHARE = 1 / 20;
const MOST_MS = 20;
/** A walk begins with so many, however long they take: a host with few cgroups gets all their names, when busy too. */
const LEAST_STEPS = 64;
/** Ids that are remembered as asked for. */
const MOST_ASKED = 4096;

/**
 * The 64 hexadecimal digits that docker, containerd, cri-o and podman put into the names of cgroups. conmon, which
 * watches over a container from outside, has a cgroup with the same digits.
 */
const containerId = /(?:^|[-/:])(?<!-conmon-)([0-9a-f]{64})(?:\.scope)?(?:\/|$)/;
/** From here on the names are a user's choice. */
const userOwned = /\/user\.slice(?:\/.*)?$/;

export interface Cgroup {
  /** From the root of the hierarchy: "/system.slice/docker-....scope". */
  path: string;
  containerId: string | undefined;
}

export function cgroupOf(path: string): Cgroup {
  return { path, containerId: containerId.exec(path.replace(userOwned, ""))?.[1] };
}

export class Cgroups {
  readonly #root: string | undefined;
  readonly #now: () => number;
  #known = new Map<bigint, Cgroup>();
  /** Of the walk through all of them that is under way: what it found, what it has to look at, and how far it is. */
  #found = new Map<bigint, Cgroup>();
  #queue: Path[] = [];
  #next = 0;
  /** The number of that walk, or of the next. */
  #walk = 0;
  /** By id: the first walk that began after it was asked for. Whom that does not find, none will. */
  readonly #decisive = new Map<bigint, number>();
  #savedMs = MOST_MS;
  #lastMs: number;

  constructor(candidates: readonly string[] = roots, now: () => number = () => performance.now()) {
    this.#root = candidates.find(isUnified);
    this.#now = now;
    this.#lastMs = now();
  }

  /** @returns undefined when there is no such cgroup, it was not found in time, or there is no unified hierarchy. */
  find(id: bigint): Cgroup | undefined {
    const known = this.#known.get(id);
    if (known || id === 0n || this.#root === undefined) return known;
    const decisive = this.#decisive.get(id) ?? this.#walk + (this.#isWalking ? 1 : 0);
    if (this.#walk > decisive) return undefined;
    if (this.#decisive.size >= MOST_ASKED) this.#decisive.clear();
    this.#decisive.set(id, decisive);
    this.#lookFor(this.#root, id, decisive);
    return this.#known.get(id);
  }

  get #isWalking(): boolean {
    return this.#next < this.#queue.length;
  }

  #lookFor(root: string, id: bigint, decisive: number): void {
    const startMs = this.#now();
    this.#savedMs = Math.min(this.#savedMs + (startMs - this.#lastMs) * SHARE, MOST_MS);
    this.#lastMs = startMs;
    const endMs = startMs + this.#savedMs;
    while (this.#walk <= decisive && !this.#known.has(id)) {
      if (this.#next >= LEAST_STEPS && this.#now() >= endMs) break;
      this.#step(root);
    }
    this.#savedMs -= this.#now() - startMs;
  }

  /** One cgroup: the root, or the next. Those of the same depth one after the other. */
  #step(root: string): void {
    if (!this.#isWalking) this.#queue = ["/"];
    const path = this.#queue[this.#next++] ?? "/";
    this.#visit(root, path);
    if (this.#isWalking) return;
    this.#known = this.#found; // who is gone is forgotten
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
      if (nlink === 2n) return; // itself and its own ".": none below it
      for (const name of childrenOf(joined(root, path))) {
        this.#queue.push(path === "/" ? joined(path, name) : joined(joined(path, "/"), name));
      }
    } catch {
      // It went away while we looked.
    }
  }
}

/** @returns the names of the directories in it; those that are no text, as bytes. */
function childrenOf(path: Path): Path[] {
  const names = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  if (!names.some((name) => name.includes("\ufffd"))) return names;
  return readdirSync(path, { encoding: "buffer" }).filter((name) =>
    statSync(joined(joined(path, "/"), name)).isDirectory(),
  );
}

function isUnified(root: string): boolean {
  return statSync(`${root}/cgroup.controllers`, { throwIfNoEntry: false }) !== undefined;
}
