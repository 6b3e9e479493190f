// From a host to events: open, choose, load, attach. Each step says what it decided; each failure is a whole
// answer. Everything acquired is given back in reverse order, whatever happens in between.
import { release } from "node:os";
import { assets } from "../assets.ts";
import { btfTrouble } from "../bpf/btf-file.ts";
import { Counters } from "../bpf/counters.ts";
import type { EventBuffer } from "../bpf/event-buffer.ts";
import { writeFilter } from "../bpf/filter.ts";
import { BpfObject } from "../bpf/object.ts";
import { PerfBuffer } from "../bpf/perf-buffer.ts";
import { PmuProbes, type Probes, TracefsProbes } from "../bpf/probes.ts";
import { RING_BYTES, RingBuffer } from "../bpf/ring-buffer.ts";
import { CallError, explain, unsupported } from "../errors.ts";
import { loadLibbpf, setLibbpfLog } from "../ffi/libbpf.ts";
import type { Libbpf } from "../ffi/symbols.ts";
import { chooseBtf, SYSFS_BTF } from "../kernel/btf.ts";
import { Features } from "../kernel/features.ts";
import { answers, handlers } from "../kernel/handlers.ts";
import { hasKprobePmu, ipsetIsModule, lockdownMode } from "../kernel/host.ts";
import { ensureIpset } from "../kernel/ip-set-module.ts";
import { Tracefs } from "../kernel/tracefs.ts";
import { isBefore, kernelVersionCode, runningKernel } from "../kernel/version.ts";
import { log } from "../log.ts";
import type { Command } from "../netlink/ipset-message.ts";
import type { Config } from "./config.ts";
import { kernelFilter } from "./selection.ts";

export interface Session extends Disposable {
  buffer: EventBuffer;
  counters: Counters;
  /** The rung of the ladder. */
  backend: string;
  /** Takes the probes away; what they have already sent can still be read. */
  detach: () => void;
}

export function openSession(config: Config): Session {
  requireRoot();
  using stack = new DisposableStack();
  const lib = loadLibbpf(assets.libbpf());
  stack.use(setLibbpfLog(lib, log.libbpf));

  const btf = chooseBtf(release(), config.btf, (path) => btfTrouble(lib, path));
  log.decision(`kernel ${release()}, BTF from ${btf}`);
  const features = new Features(lib, config.assumeKernel);
  const makeProbes = chooseProbes(features);
  ensureIpset();

  const hasRing = features.has("ringBuffer");
  const object = stack.use(openObject(lib, hasRing, btf, config));
  const counters = new Counters(object);
  writeFilter(object, kernelFilter(config.filter));
  const buffer = stack.use(attempt("make the event buffer", () => makeBuffer(lib, hasRing, object)));
  log.decision(buffer.description);

  const probes = makeProbes(object);
  log.decision(probes.description);
  const links = stack.use(attachAll(probes, config.filter.commands));
  const held = stack.move();
  return {
    buffer,
    counters,
    backend: "kprobe",
    detach: () => links.dispose(),
    [Symbol.dispose]: () => held.dispose(),
  };
}

function requireRoot(): void {
  const uid = process.geteuid?.();
  if (uid !== 0) throw unsupported("not root", `reading the kernel needs root, and this is uid ${uid}`);
}

/** Runs what may be refused, and says what it was for when it is. */
function attempt<Result>(tried: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw explained(tried, error);
  }
}

/** A call that failed becomes a whole answer; anything else stays what it is. */
function explained(tried: string, error: unknown): unknown {
  if (!(error instanceof CallError)) return error;
  for (const line of log.takeLibbpfWarnings()) log.warn(`libbpf: ${line}`);
  return explain(tried, error, {
    lockdown: lockdownMode(),
    checksVersion: isBefore(runningKernel(), [5, 0, 0]),
  });
}

function chooseProbes(features: Features): (object: BpfObject) => Probes {
  if (features.has("kprobePmu")) return (object) => new PmuProbes(object);
  const tracefs = Tracefs.find();
  if (tracefs) {
    tracefs.sweep();
    return (object) => new TracefsProbes(object, tracefs);
  }
  // Since 4.17 a kernel with kprobes has the PMU: without it there is nothing to be found in tracefs.
  if (Tracefs.isMounted() || !(hasKprobePmu() || isBefore(runningKernel(), [4, 17, 0]))) {
    throw unsupported("no kprobes", `kernel ${release()} has no kprobes`);
  }
  throw unsupported("no tracefs", "probes are made in tracefs, and it is not mounted");
}

function openObject(lib: Libbpf, hasRing: boolean, btf: string, config: Config): BpfObject {
  using stack = new DisposableStack();
  const image = hasRing ? assets.modernObject() : assets.legacyObject();
  const options = {
    btfPath: btf === SYSFS_BTF ? undefined : btf, // libbpf's own choice needs no name
    versionCode: config.kernVersion && kernelVersionCode(config.kernVersion),
  };
  const object = stack.use(attempt("open the BPF object", () => BpfObject.open(lib, image, options)));
  if (hasRing) object.setMaxEntries("events", RING_BYTES);
  attempt("load the BPF programs", () => object.load());
  stack.move();
  return object;
}

function makeBuffer(lib: Libbpf, hasRing: boolean, object: BpfObject): EventBuffer {
  return hasRing ? new RingBuffer(object) : new PerfBuffer(object, lib.libbpf_num_possible_cpus());
}

const handlerPrograms = [
  ["entry", "mine_enter"],
  ["return", "mine_return"],
] as const;

/** The entry before the return, so that no return comes without its entry. */
function attachAll(probes: Probes, wanted: ReadonlySet<Command>): DisposableStack {
  using stack = new DisposableStack();
  const module = ipsetIsModule() ? "ip_set" : undefined;
  for (const { symbol, commands, isOptional } of handlers) {
    if (!commands.some((command) => wanted.has(command))) continue;
    for (const [kind, program] of handlerPrograms) {
      try {
        stack.use(probes.attach({ module, symbol, kind, program }));
      } catch (error) {
        if (isOptional && error instanceof CallError && error.code === "ENOENT") break;
        throw explained(`attach to ${symbol}`, error);
      }
    }
  }
  for (const { symbol, program } of answers) {
    attempt(`attach to ${symbol}`, () => {
      stack.use(probes.attach({ module: undefined, symbol, kind: "entry", program }));
    });
  }
  return stack.move();
}
