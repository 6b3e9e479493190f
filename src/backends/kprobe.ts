// kprobes and kretprobes on the handlers, and a kprobe where nfnetlink refuses a message.
// Two traps. ip_set can be unloaded and loaded again: a probe in tracefs waits for it and is armed before its first
// command; one of the PMU is gone for good, which isStale() tells. And a return probe of the PMU follows ten
// threads, and nobody is told of the others. So the PMU is for where there is no tracefs.
import { release } from "node:os";
import type { BpfObject } from "../bpf/object.ts";
import { PmuProbes, type Probes, TracefsProbes } from "../bpf/probes.ts";
import { CallError, unsupported } from "../errors.ts";
import { attempt, explained } from "../kernel/attempt.ts";
import type { Features } from "../kernel/features.ts";
import { handlersOf } from "../kernel/handlers.ts";
import { hasKprobePmu, ipsetIdentity, ipsetIsModule, kprobesAreOff } from "../kernel/host.ts";
import { Tracefs } from "../kernel/tracefs.ts";
import { isBefore, runningKernel } from "../kernel/version.ts";
import { log } from "../log.ts";
import type { Command } from "../netlink/ipset-message.ts";
import type { Backend } from "./backend.ts";

/** Where nfnetlink refuses a message; built in. After the handlers, whose errors it must know. */
const refusals = { module: undefined, symbol: "netlink_ack", kind: "entry", program: "mine_ack" } as const;

export function openKprobe(features: Features, wanted: ReadonlySet<Command>): Backend {
  const module = ipsetIsModule() ? "ip_set" : undefined;
  const makeProbes = chooseProbes(features);
  if (kprobesAreOff()) throw unsupported("kprobes-off", "kprobes are switched off, all of them");
  let attachedTo = ipsetIdentity();
  let probes: Probes | undefined;
  return {
    name: "kprobe",
    programs: ["mine_enter", "mine_return", "mine_ack"],
    caveats: [],
    countsSkips: true,
    prepare: () => {},
    attach: (object) => {
      attachedTo = ipsetIdentity();
      probes = makeProbes(object);
      log.decision(probes.description);
      return attachAll(probes, module, wanted);
    },
    misses: () => probes?.misses() ?? 0,
    ...(module && makeProbes === pmuProbes ? { isStale: () => isLoadedAgain(attachedTo) } : {}),
  };
}

function isLoadedAgain(attachedTo: bigint | undefined): boolean {
  const present = ipsetIdentity();
  return present !== undefined && present !== attachedTo;
}

const pmuProbes = (object: BpfObject): Probes => new PmuProbes(object);

function chooseProbes(features: Features): (object: BpfObject) => Probes {
  const tracefs = Tracefs.find();
  if (tracefs?.hasKprobes) {
    tracefs.sweep();
    return (object) => new TracefsProbes(object, tracefs);
  }
  if (features.has("kprobePmu")) return pmuProbes;
  // Since 4.17 a kernel with kprobes has the PMU: without it there is nothing to be found in tracefs.
  if (tracefs || !(hasKprobePmu() || isBefore(runningKernel(), [4, 17, 0]))) {
    throw unsupported("no-kprobes", `kernel ${release()} has no kprobes`);
  }
  throw unsupported("no-tracefs", "probes are made in tracefs, and it is not mounted");
}

/**
 * There is no such function. 4.15 takes a probe at the entry of a function that a module lacks, for one of a module
 * that is to come, and refuses the one at its return with EINVAL.
 */
const isMissing = (error: unknown): boolean =>
  error instanceof CallError && ["ENOENT", "EINVAL"].includes(error.code);

/** Both probes or none. The entry comes first and goes first, so that each has its other. */
function attachHandler(probes: Probes, module: string | undefined, symbol: string): Disposable {
  const entry = probes.attach({ module, symbol, kind: "entry", program: "mine_enter" });
  using stack = new DisposableStack();
  stack.use(entry);
  const exit = probes.attach({ module, symbol, kind: "return", program: "mine_return" });
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
  module: string | undefined,
  wanted: ReadonlySet<Command>,
): DisposableStack {
  using stack = new DisposableStack();
  for (const { symbol, isOptional } of handlersOf(wanted)) {
    try {
      stack.use(attachHandler(probes, module, symbol));
    } catch (error) {
      if (isOptional && isMissing(error)) continue;
      throw explained(`attach to ${symbol}`, error);
    }
  }
  attempt(`attach to ${refusals.symbol}`, () => stack.use(probes.attach(refusals)));
  return stack.move();
}
