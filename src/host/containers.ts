// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Remembers the names of containers, and asks for those of new ones.
import { log } from "../log.ts";
import type { Cgroup } from "./cgroups.ts";
import type { ContainerNames } from "./container-files.ts";

export type NamedCgroup = Cgroup & { names?: ContainerNames };

/** Max number of containers to remember. */
const MAX_KNOWN = 4096;

export class Containers {
  readonly #namesOf: (id: string) => ContainerNames;
  readonly #known = new Map<string, ContainerNames>();
  readonly #named = new WeakMap<Cgroup, NamedCgroup>();
  #isAway = false;

  /** @param namesOf returns the names of a container. It throws if it cannot do that any more. */
  constructor(namesOf: (id: string) => ContainerNames) {
    this.#namesOf = namesOf;
  }

  /** Returns the cgroup with the names of its container; the same object for the same cgroup. */
  name(cgroup: Cgroup): NamedCgroup {
    if (!cgroup.container) return cgroup;
    const earlier = this.#named.get(cgroup);
    if (earlier) return earlier;
    const named = { ...cgroup, names: this.#find(cgroup.container.id) };
    this.#named.set(cgroup, named);
    return named;
  }

  #find(id: string): ContainerNames {
    const known = this.#known.get(id);
    if (known) return known;
    const names = this.#isAway ? {} : this.#ask(id);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(id, names);
    return names;
  }

  #ask(id: string): ContainerNames {
    try {
      return this.#namesOf(id);
    } catch (error) {
      // Each attempt could wait for an answer, and mine reads no event meanwhile.
      this.#isAway = true;
      log.warn(`containers have no names from now on: ${(error as Error).message}`);
      return {};
    }
  }
}
