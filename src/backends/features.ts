// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Probes the running kernel for features. MINE_ASSUME_KERNEL hides the features that are newer than the given
// kernel.
import { isBefore, type KernelVersion, MAP_TYPE, probeMapType, runningKernel } from "bun-libbpf";
import { hasIpsetBtf, hasKprobePmu } from "../host/sysfs.ts";
import { log } from "../log.ts";

interface Feature {
  name: string;
  since: KernelVersion;
  probe: () => boolean;
}

const features = {
  ringBuffer: {
    name: "BPF ring buffer",
    since: [5, 8, 0],
    // If the kernel refuses the probe (EPERM), its version decides.
    probe: () => probeMapType(MAP_TYPE.ringbuf) ?? !isBefore(runningKernel(), [5, 8, 0]),
  },
  ipsetBtf: {
    name: "BTF of ip_set",
    since: [5, 11, 0], // BTF of modules; a built-in ip_set has it since 5.4
    probe: hasIpsetBtf,
  },
  kprobePmu: {
    name: "kprobe PMU",
    since: [4, 17, 0],
    probe: hasKprobePmu,
  },
} as const satisfies Record<string, Feature>;

export class Features {
  readonly #assumed: KernelVersion | undefined;
  readonly #known = new Map<keyof typeof features, boolean>();

  constructor(assumed: KernelVersion | undefined) {
    this.#assumed = assumed;
  }

  /** Returns whether the kernel has a feature. Each feature is probed once. */
  has(key: keyof typeof features): boolean {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const answer = this.#try(key);
    this.#known.set(key, answer);
    return answer;
  }

  #try(key: keyof typeof features): boolean {
    const feature: Feature = features[key];
    if (this.#assumed && isBefore(this.#assumed, feature.since)) {
      log.decision(`${feature.name}: not used, because it needs Linux ${feature.since.join(".")}`);
      return false;
    }
    const answer = feature.probe();
    log.decision(`${feature.name}: ${answer ? "yes" : "no"}`);
    return answer;
  }
}
