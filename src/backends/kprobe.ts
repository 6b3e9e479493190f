// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Backend kprobe: kprobes and kretprobes on the handlers, and a kprobe on the function that acknowledges a
// message.
// ip_set can be unloaded and loaded again. A tracefs probe waits for that, and is armed before the first
// command. A PMU probe is lost; isStale() reports it. A PMU return probe follows ten threads, and misses
// others without a count. So the PMU is used only without tracefs.
import { release } from "node:os";
import type { LoadedProgram } from "bun-libbpf";
import { isBefore, type Probes, pmuProbes, runningKernel, TracefsProbes } from "bun-libbpf";
import { CallError } from "bun-libbpf/errors";
import { assets } from "../assets.ts";
import { unsupported } from "../errors.ts";
import { kprobeLegacy, kprobeModern } from "../events/skeleton.gen.ts";
import { attempt, explained } from "../host/attempt.ts";
import { hasKprobePmu, ipsetIdentity, ipsetIsModule, kprobesAreOff } from "../host/sysfs.ts";
import type { Command } from "../ipset/message.ts";
import { log } from "../log.ts";
import type { Backend, LoadedBackend } from "./backend.ts";
import type { Features } from "./features.ts";
import { handlersOf } from "./handlers.ts";
import { loadedPrograms, loadLegacy, loadModern, type SetUp } from "./load.ts";
import { findTracefs } from "./tracefs.ts";

/**
 * The function through which nfnetlink refuses a message; built in. It is attached last, because its program
 * must know the errors that the handlers returned.
 */
const refusals = { module: undefined, symbol: "netlink_ack", kind: "entry" } as const;

const wantedPrograms = ["mine_enter", "mine_return", "mine_ack"] as const;
type Programs = Record<(typeof wantedPrograms)[number], LoadedProgram>;

export function openKprobe(features: Features, wanted: ReadonlySet<Command>): Backend {
  const probes = chooseProbes(features);
  if (kprobesAreOff()) throw unsupported("kprobes-off", "kprobes are disabled on this host");
  return { name: "kprobe", caveats: [], countsSkips: true, load: (setUp) => load(setUp, probes, wanted) };
}

function load(setUp: SetUp, probes: Probes, wanted: ReadonlySet<Command>): LoadedBackend {
  const module = ipsetIsModule() ? "ip_set" : undefined;
  const object =
    setUp.ringBytes > 0
      ? loadModern(kprobeModern, assets.kprobeModern(), setUp, wantedPrograms)
      : loadLegacy(kprobeLegacy, assets.kprobeLegacy(), setUp, wantedPrograms);
  let attachedTo: bigint | undefined;
  return {
    maps: object.maps,
    programs: loadedPrograms(object),
    attach: () => {
      attachedTo = ipsetIdentity();
      log.decision(probes.description);
      return attachAll(probes, object.programs, module, wanted);
    },
    misses: () => probes.misses(),
    ...(module && probes === pmuProbes ? { isStale: () => isLoadedAgain(attachedTo) } : {}),
    [Symbol.dispose]: () => object[Symbol.dispose](),
  };
}

function isLoadedAgain(attachedTo: bigint | undefined): boolean {
  const present = ipsetIdentity();
  return present !== undefined && present !== attachedTo;
}

function chooseProbes(features: Features): Probes {
  const tracefs = findTracefs();
  if (tracefs?.hasKprobes) {
    tracefs.sweep();
    return new TracefsProbes(tracefs);
  }
  if (features.has("kprobePmu")) return pmuProbes;
  // Since 4.17 a kernel with kprobes has the PMU. Without the PMU, tracefs has no kprobes either.
  if (tracefs || !(hasKprobePmu() || isBefore(runningKernel(), [4, 17, 0]))) {
    throw unsupported("no-kprobes", `kernel ${release()} has no kprobes`);
  }
  throw unsupported("no-tracefs", "kprobes need tracefs on this kernel, and it is not mounted");
}

/**
 * Returns whether the error means that the function does not exist. If a module lacks a function, 4.15
 * accepts an entry probe for it, as for a module that is not loaded yet. But 4.15 refuses the return probe
 * with EINVAL.
 */
const isMissing = (error: unknown): boolean =>
  error instanceof CallError && ["ENOENT", "EINVAL"].includes(error.code);

/**
 * Attaches both probes or none. The entry probe is attached first and removed first, so that each return has
 * its entry.
 */
function attachHandler(
  probes: Probes,
  programs: Programs,
  module: string | undefined,
  symbol: string,
): Disposable {
  const entry = probes.attach({ module, symbol, kind: "entry", program: programs.mine_enter });
  using stack = new DisposableStack();
  stack.use(entry);
  const exit = probes.attach({ module, symbol, kind: "return", program: programs.mine_return });
  stack.move();
  return {
    [Symbol.dispose]: () => {
      entry[Symbol.dispose]();
      exit[Symbol.dispose]();
    },
  };
}

function attachAll(
  probes: Probes,
  programs: Programs,
  module: string | undefined,
  wanted: ReadonlySet<Command>,
): DisposableStack {
  using stack = new DisposableStack();
  for (const { symbol, isOptional } of handlersOf(wanted)) {
    try {
      stack.use(attachHandler(probes, programs, module, symbol));
    } catch (error) {
      if (isOptional && isMissing(error)) continue;
      throw explained(`attach to ${symbol}`, error);
    }
  }
  attempt(`attach to ${refusals.symbol}`, () =>
    stack.use(probes.attach({ ...refusals, program: programs.mine_ack })),
  );
  return stack.move();
}
