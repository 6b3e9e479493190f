// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Backend tracepoint: tracepoints that fire when the kernel frees a socket buffer. It is for kernels with
// neither kprobes nor trampolines. Every packet fires them too, at a small cost.
// The kernel skips a run if it interrupts another one on the same CPU. Such a run belongs to a packet,
// because requests are freed in the context of a thread. So skipped runs are not missed commands.
import { release } from "node:os";
import type { LoadedProgram, Tracefs } from "bun-libbpf";
import { fdValue } from "bun-libbpf";
import { assets } from "../assets.ts";
import { unsupported } from "../errors.ts";
import { tracepointLegacy, tracepointModern } from "../events/skeleton.gen.ts";
import { attempt } from "../host/attempt.ts";
import type { Backend, LoadedBackend } from "./backend.ts";
import type { Features } from "./features.ts";
import { loadedPrograms, loadLegacy, loadModern, type SetUp } from "./load.ts";
import { findTracefs } from "./tracefs.ts";

/** Programs of the legacy object that continue mine_free, in the order of its map `stages`. */
const stages = ["mine_step", "mine_rest"] as const;
/** kfree_skb is for a dump that no process reads to its end: its request is freed with the socket. */
const tracepoints = ["consume_skb", "kfree_skb"] as const;

export function openTracepoint(features: Features): Backend {
  const load = features.has("ringBuffer") ? loadRaw : loaderOfClassic();
  return { name: "tracepoint", caveats: [], countsSkips: false, load };
}

/** Loads the backend with raw tracepoints. Kernels with ring buffers have them. */
function loadRaw(setUp: SetUp): LoadedBackend {
  const object = loadModern(tracepointModern, assets.tracepointModern(), setUp, ["mine_free"]);
  const { mine_free } = object.programs;
  return {
    maps: object.maps,
    programs: loadedPrograms(object),
    attach: () => attachAll((tracepoint) => mine_free.attachRawTracepoint(tracepoint)),
    [Symbol.dispose]: () => object[Symbol.dispose](),
  };
}

function loaderOfClassic(): Backend["load"] {
  const tracefs = findTracefs();
  if (!tracefs) throw unsupported("no-tracefs", "tracepoint IDs need tracefs, and it is not mounted");
  return (setUp) => loadClassic(setUp, tracefs);
}

function loadClassic(setUp: SetUp, tracefs: Tracefs): LoadedBackend {
  const object = loadLegacy(tracepointLegacy, assets.tracepointLegacy(), setUp, ["mine_free", ...stages]);
  const { maps, programs } = object;
  return {
    maps,
    programs: loadedPrograms(object),
    attach: () => {
      for (const [index, stage] of stages.entries()) {
        attempt("chain the tracepoint programs", () => maps.stages.set(index, fdValue(programs[stage].fd)));
      }
      return attachAll((tracepoint) => attachClassic(programs.mine_free, tracefs, tracepoint));
    },
    [Symbol.dispose]: () => object[Symbol.dispose](),
  };
}

function attachClassic(program: LoadedProgram, tracefs: Tracefs, tracepoint: string): Disposable {
  const id = tracefs.tracepointId("skb", tracepoint);
  if (id !== undefined) return program.attachTracepoint(id);
  throw unsupported("no-tracepoints", `kernel ${release()} has no tracepoint ${tracepoint}`);
}

function attachAll(attach: (tracepoint: string) => Disposable): DisposableStack {
  using stack = new DisposableStack();
  for (const tracepoint of tracepoints) {
    attempt(`attach to ${tracepoint}`, () => stack.use(attach(tracepoint)));
  }
  return stack.move();
}
