// From a host to events: choose a rung of the ladder, open, load, attach. Each step says what it decided; each
// failure is a whole answer. Everything acquired is given back in reverse order, whatever happens in between.
import { release } from "node:os";
import { assets } from "../assets.ts";
import { type Backend, type BackendName, backendNames } from "../backends/backend.ts";
import { openBackend } from "../backends/ladder.ts";
import { btfFault } from "../bpf/btf-file.ts";
import { Counters } from "../bpf/counters.ts";
import { type EventBuffer, sizeText } from "../bpf/event-buffer.ts";
import { setFilter, writeFilter } from "../bpf/filter.ts";
import { BpfObject } from "../bpf/object.ts";
import { cpuBytes, PerfBuffer } from "../bpf/perf-buffer.ts";
import { RING_BYTES, RingBuffer } from "../bpf/ring-buffer.ts";
import { CallError, MineError, noBackend, unsupported } from "../errors.ts";
import { LOG_LEVEL, loadLibbpf, setLibbpfLog } from "../ffi/libbpf.ts";
import type { Libbpf } from "../ffi/symbols.ts";
import { attempt, explained } from "../kernel/attempt.ts";
import { chooseBtf, SYSFS_BTF } from "../kernel/btf.ts";
import { confine } from "../kernel/confine.ts";
import { Features } from "../kernel/features.ts";
import { ensureIpset } from "../kernel/ip-set-module.ts";
import { isBefore, runningKernel, toldVersion } from "../kernel/version.ts";
import { log } from "../log.ts";
import { checkNumber, checkReading } from "./check-reading.ts";
import type { Config, HostConfig, SessionConfig } from "./config.ts";
import { kernelFilter } from "./selection.ts";

export interface Session extends Disposable {
  buffer: EventBuffer;
  counters: Counters;
  backend: BackendName;
  /** How often the kernel passed by a program that should have run; until detach() grows. */
  misses: () => number;
  /** What this rung cannot promise. */
  caveats: readonly string[];
  /** Gives up the rights that only were needed to come here. @returns which, in words. */
  confine: () => readonly string[];
  /** To be called now and then: attaches again what the kernel has taken away. */
  keepAttached: () => void;
  /** Takes the probes away; what they have already sent can still be read. */
  detach: () => void;
}

/** What every rung stands on. */
export interface Ground {
  lib: Libbpf;
  /** Path of the kernel's BTF. */
  btf: string;
  /** See checkReading(). */
  check: number;
  features: Features;
}

interface Loaded {
  object: BpfObject;
  /** 0 where there is no ring buffer. */
  ringBytes: number;
}

/** Bytes; both 0 where there is no ring buffer. */
interface RingSize {
  wanted: number;
  least: number;
}

/** Why a rung was not taken. */
export interface Refusal {
  backend: BackendName;
  error: MineError;
}

/** @throws MineError: this host cannot be audited. */
export function openSession(config: Config): Session {
  using stack = new DisposableStack();
  const { lib } = stack.use(openLibrary(config));
  const ground = openGround(lib, config);
  const refusals: Refusal[] = [];
  for (const backend of config.backend ? [config.backend] : backendNames) {
    try {
      const session = stack.use(openRung(ground, backend, config));
      log.info(`Backend: ${[backend, ...refusals.map(reasonAgainst)].join("; ")}`);
      for (const caveat of session.caveats) log.warn(caveat);
      const held = stack.move();
      return { ...session, [Symbol.dispose]: () => held.dispose() };
    } catch (error) {
      if (!(error instanceof MineError)) throw error;
      refusals.push({ backend, error });
    }
  }
  throw noBackend(refusals);
}

const reasonAgainst = ({ backend, error }: Refusal): string => `not ${backend}: ${error.message}`;

/** libbpf, whose log goes into ours until this is disposed of. */
export function openLibrary({ verbose }: HostConfig): Disposable & { lib: Libbpf } {
  const lib = attempt("load libbpf", () => loadLibbpf(assets.libbpf()));
  const logging = setLibbpfLog(lib, verbose ? LOG_LEVEL.debug : LOG_LEVEL.warn, log.libbpf);
  return { lib, [Symbol.dispose]: () => logging[Symbol.dispose]() };
}

/** @throws MineError for what no rung can do without. */
export function openGround(lib: Libbpf, config: HostConfig): Ground {
  requireRoot();
  const btf = chooseBtf(release(), config.btf, (path) => btfFault(lib, path));
  log.decision(`kernel ${release()}, BTF from ${btf}`);
  const features = new Features(lib, config.assumeKernel);
  ensureIpset();
  return { lib, btf, features, check: checkNumber() };
}

function requireRoot(): void {
  const uid = process.geteuid?.();
  if (uid !== 0) throw unsupported("not-root", `reading the kernel needs root, and this is uid ${uid}`);
}

/**
 * Tries one rung, by using it.
 * @throws MineError when it cannot be used; nothing is left of it then.
 */
export function openRung(ground: Ground, name: BackendName, config: SessionConfig): Session {
  const { lib, features } = ground;
  log.decision(`trying ${name}`);
  log.takeLibbpfWarnings(); // those of another backend do not explain a failure of this one
  using stack = new DisposableStack();
  const backend = openBackend[name](features, config.filter.commands);
  const loaded = loadObject(ground, backend, config, ringSize(features, config.bufferBytes));
  const object = stack.use(loaded.object);

  const counters = new Counters(object);
  const buffer = stack.use(
    attempt("make the event buffer", () => makeBuffer(lib, loaded, config.bufferBytes)),
  );
  log.decision(buffer.description);
  let links = backend.attach(object);
  counters.forgetUnreturned();
  stack.defer(() => links.dispose());
  checkReading(object, ground);
  const counted = backend.countsSkips ? backend.programs : [];
  const programMisses = () => counted.reduce((sum, program) => sum + object.misses(program), 0);
  let probeMisses = () => backend.misses?.() ?? 0;
  const held = stack.move();
  return {
    buffer,
    counters,
    backend: name,
    misses: () => programMisses() + probeMisses(),
    caveats: backend.caveats,
    confine: () => confine(backend.isStale !== undefined),
    keepAttached: () => {
      if (!backend.isStale?.()) return;
      links.dispose();
      links = backend.attach(object);
      log.warn("ip_set was unloaded and loaded again; the first commands after that may have been missed");
    },
    detach: () => {
      const misses = probeMisses(); // gone with the probes
      probeMisses = () => misses;
      counters.endEntries();
      links.dispose();
    },
    [Symbol.dispose]: () => held.dispose(),
  };
}

/** A size that was asked for is not made smaller. */
function ringSize(features: Features, asked: number | undefined): RingSize {
  if (!features.has("ringBuffer")) return { wanted: 0, least: 0 };
  return { wanted: asked ?? RING_BYTES.usual, least: asked ?? RING_BYTES.least };
}

/** @returns the object, and the size that its ring buffer could have. */
function loadObject(ground: Ground, backend: Backend, config: SessionConfig, size: RingSize): Loaded {
  const { lib, btf } = ground;
  const { wanted: ringBytes, least } = size;
  const image = assets.object(backend.name, ringBytes > 0 ? "modern" : "legacy");
  const version = toldVersion(config.kernVersion);
  const options = {
    btfPath: btf === SYSFS_BTF ? undefined : btf, // libbpf's own choice needs no name
    versionCode: version.code,
  };
  using stack = new DisposableStack();
  const object = stack.use(attempt("open the BPF object", () => BpfObject.open(lib, image, options)));
  object.select(backend.programs);
  const filter = { ...kernelFilter(config), check: ground.check };
  if (ringBytes > 0) {
    object.setMaxEntries("events", ringBytes);
    setFilter(object, filter);
  }
  backend.prepare(object);
  try {
    object.load();
  } catch (error) {
    if (ringBytes <= least || !isMemlockRefusal(error)) {
      const known = { isWrongVersion: version.isWrong, refusal: log.verifierRefusal() };
      throw explained(`load the ${backend.name} programs`, error, known);
    }
    log.decision(`a ring buffer of ${sizeText(ringBytes)} was refused`);
    stack.dispose();
    return loadObject(ground, backend, config, { wanted: ringBytes / 2, least });
  }
  if (ringBytes === 0) writeFilter(object, filter);
  stack.move();
  return { object, ringBytes };
}

/** Before 5.11 maps count against RLIMIT_MEMLOCK, and not even root may be free to raise it. */
const isMemlockRefusal = (error: unknown): boolean =>
  error instanceof CallError && error.code === "EPERM" && isBefore(runningKernel(), [5, 11, 0]);

function makeBuffer(lib: Libbpf, { object, ringBytes }: Loaded, asked: number | undefined): EventBuffer {
  return ringBytes > 0
    ? new RingBuffer(object, ringBytes)
    : new PerfBuffer(object, cpuBytes(lib.libbpf_num_possible_cpus(), asked));
}
