// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Starts a session: chooses a backend, loads it and attaches it. Each step logs its decision and throws complete
// errors. The session releases its resources in reverse order.
import { release } from "node:os";
import {
  type EventBuffer,
  isBefore,
  loadLibbpf,
  openEventBuffer,
  possibleCpus,
  runningKernel,
  SYSFS_BTF,
  setLog,
  sizeText,
  toldVersion,
} from "bun-libbpf";
import { CallError } from "bun-libbpf/errors";
import {
  type Backend,
  type BackendName,
  backendNames,
  type CommonMaps,
  type LoadedBackend,
} from "../backends/backend.ts";
import { Features } from "../backends/features.ts";
import type { SetUp } from "../backends/load.ts";
import { openBackend } from "../backends/open-backend.ts";
import { MineError, noBackend, unsupported } from "../errors.ts";
import { Counters } from "../events/counters.ts";
import { mineEvent } from "../events/skeleton.gen.ts";
import { attempt, explained } from "../host/attempt.ts";
import { chooseBtf } from "../host/btf.ts";
import { findHierarchy } from "../host/cgroups.ts";
import { ensureIpset } from "../host/ip-set-module.ts";
import { confine } from "../host/sandbox.ts";
import { noneRequest } from "../ipset/request.ts";
import { log } from "../log.ts";
import { type FoundBtf, findBtf } from "../offsets/find-btf.ts";
import { BUFFER, cpuBytes } from "./buffer-size.ts";
import { checkReading } from "./check-reading.ts";
import type { Config, HostConfig, SessionConfig } from "./config.ts";
import { kernelFilter } from "./filter.ts";
import { randomNumber } from "./random-number.ts";

export interface Session extends Disposable {
  buffer: EventBuffer;
  counters: Counters;
  backend: BackendName;
  /** Returns how often the kernel skipped a program. It grows until detach(). */
  misses: () => number;
  /** Limits of the backend, as sentences for the user. */
  caveats: readonly string[];
  /** Drops the privileges that only the start needs. @returns a sentence for each step. */
  confine: () => readonly string[];
  /** Attaches probes again that the kernel has removed. Call it regularly. */
  keepAttached: () => void;
  /** Detaches the probes. Their events stay readable. */
  detach: () => void;
}

/** The host context of every backend. */
export interface HostContext {
  /** The kernel's BTF: a file, or offsets that were found in its memory. */
  btf: KernelBtf;
  /** Sequence number for checkReading(). */
  check: number;
  features: Features;
}

export type KernelBtf = Pick<FoundBtf, "path"> & Partial<FoundBtf>;

interface Loaded {
  backend: LoadedBackend;
  /** Ring buffer size in bytes; 0 for perf buffers. */
  ringBytes: number;
}

/** Ring buffer sizes in bytes; both 0 for perf buffers. */
interface RingSize {
  wanted: number;
  min: number;
}

/** The error of a backend that cannot be used. */
export interface Refusal {
  backend: BackendName;
  error: MineError;
}

/** Opens the first usable backend. @throws MineError if there is none. */
export function openSession(config: Config): Session {
  openLibrary(config);
  const context = openContext(config);
  const { offsets } = context.btf;
  if (offsets) log.info(`BTF: none; found ${Object.keys(offsets).length} offsets in the kernel's memory`);
  const refusals: Refusal[] = [];
  for (const backend of config.backend ? [config.backend] : backendNames) {
    try {
      const session = openOne(context, backend, config);
      log.info(`Backend: ${[backend, ...refusals.map(reasonAgainst)].join("; ")}`);
      for (const caveat of session.caveats) log.warn(caveat);
      return session;
    } catch (error) {
      if (!(error instanceof MineError)) throw error;
      refusals.push({ backend, error });
    }
  }
  throw noBackend(refusals);
}

const reasonAgainst = ({ backend, error }: Refusal): string => `not ${backend}: ${error.message}`;

/** Loads libbpf, and forwards its log to the log of mine. */
export function openLibrary({ verbose }: HostConfig): void {
  attempt("load libbpf", loadLibbpf);
  setLog(verbose ? "debug" : "warning", log.libbpf);
}

/** Prepares the host for every backend. @throws MineError if a common requirement is missing. */
export function openContext(config: HostConfig): HostContext {
  requireRoot();
  const features = new Features(config.assumeKernel);
  ensureIpset(noneRequest());
  const btf: KernelBtf = chooseBtf(release(), config.btf, findBtf);
  log.decision(`kernel ${release()}, BTF from ${btf.path}`);
  return { btf, features, check: randomNumber() };
}

export function requireRoot(): void {
  const uid = process.geteuid?.();
  if (uid !== 0) throw unsupported("not-root", `cannot use BPF: the effective uid is ${uid}, not root`);
}

/**
 * Loads, attaches and checks one backend.
 * @throws MineError if it cannot be used; all its resources are released.
 */
export function openOne(context: HostContext, name: BackendName, config: SessionConfig): Session {
  const { features } = context;
  log.decision(`trying ${name}`);
  using stack = new DisposableStack();
  const backend = openBackend[name](features, config.filter.commands);
  const { backend: loaded, ringBytes } = load(
    context,
    backend,
    config,
    ringSize(features, config.bufferBytes),
  );
  stack.use(loaded);

  const counters = new Counters(loaded.maps.counters);
  const buffer = stack.use(
    attempt("open the event buffer", () => openBuffer(loaded.maps, ringBytes, config.bufferBytes)),
  );
  log.decision(buffer.description);
  let links = loaded.attach();
  counters.forgetUnreturned();
  stack.defer(() => links.dispose());
  checkReading(loaded.maps, context);
  const counted = backend.countsSkips ? loaded.programs : [];
  const programMisses = () => counted.reduce((sum, program) => sum + program.recursionMisses, 0);
  let probeMisses = () => loaded.misses?.() ?? 0;
  const held = stack.move();
  return {
    buffer,
    counters,
    backend: name,
    misses: () => programMisses() + probeMisses(),
    caveats: backend.caveats,
    confine: () => confine(loaded.isStale !== undefined),
    keepAttached: () => {
      if (!loaded.isStale?.()) return;
      links.dispose();
      links = loaded.attach();
      log.warn("ip_set was unloaded and loaded again; mine may have missed the first commands after that");
    },
    detach: () => {
      const misses = probeMisses(); // detaching removes the counters
      probeMisses = () => misses;
      counters.endEntries();
      links.dispose();
    },
    [Symbol.dispose]: () => held.dispose(),
  };
}

/** Returns the sizes to try. A size from the command line is never reduced. */
function ringSize(features: Features, asked: number | undefined): RingSize {
  if (!features.has("ringBuffer")) return { wanted: 0, min: 0 };
  return { wanted: asked ?? BUFFER.default, min: asked ?? BUFFER.ringMin };
}

/** Loads a backend. @returns it and its ring buffer size, which can be smaller than wanted. */
function load(context: HostContext, backend: Backend, config: SessionConfig, size: RingSize): Loaded {
  const { wanted: ringBytes, min } = size;
  const version = toldVersion(config.kernVersion);
  const setUp: SetUp = {
    options: {
      name: "mine",
      btfPath: context.btf.path === SYSFS_BTF ? undefined : context.btf.path, // libbpf reads this file by default
      versionCode: version.code,
    },
    filter: { ...kernelFilter(config, findHierarchy()?.isUnified ?? true), check: context.check },
    ringBytes,
  };
  try {
    return { backend: backend.load(setUp), ringBytes };
  } catch (error) {
    if (ringBytes <= min || !isMemlockRefusal(error)) {
      throw explained(`load the ${backend.name} programs`, error, { isWrongVersion: version.isWrong });
    }
    log.decision(`the kernel refused a ring buffer of ${sizeText(ringBytes)}`);
    return load(context, backend, config, { wanted: ringBytes / 2, min });
  }
}

/**
 * Returns true if RLIMIT_MEMLOCK can be the cause. Before Linux 5.11 maps count against it, and even root can lack
 * the privilege to raise it.
 */
const isMemlockRefusal = (error: unknown): boolean =>
  error instanceof CallError && error.code === "EPERM" && isBefore(runningKernel(), [5, 11, 0]);

function openBuffer({ events }: CommonMaps, ringBytes: number, asked: number | undefined): EventBuffer {
  const perCpu = ringBytes > 0 ? 0 : cpuBytes(possibleCpus(), asked);
  return openEventBuffer(events, { cpuBytes: perCpu, timeOffset: mineEvent.tsNs[0] });
}
