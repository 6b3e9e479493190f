// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Backend fexit: trampolines at the return of the handlers. It costs the audited programs the least. It needs
// the BTF of the handlers from the kernel itself. While it is attached, ip_set cannot be unloaded.

import { fdValue } from "bun-libbpf";
import { assets } from "../assets.ts";
import { unsupported } from "../errors.ts";
import { fexitModern } from "../events/skeleton.gen.ts";
import { attempt } from "../host/attempt.ts";
import { ipsetIsModule } from "../host/sysfs.ts";
import type { Command } from "../ipset/message.ts";
import type { Backend, LoadedBackend } from "./backend.ts";
import type { Features } from "./features.ts";
import { type HandlerSymbol, handlersOf } from "./handlers.ts";
import { loadedPrograms, loadModern, type SetUp } from "./load.ts";

const reporter = "mine_exit";
/**
 * The function through which nfnetlink refuses a message. It is attached last, because its program must know
 * the errors that the handlers returned.
 */
const refusals = { symbol: "netlink_ack", program: "mine_fentry_ack" } as const;

export function openFexit(features: Features, wanted: ReadonlySet<Command>): Backend {
  if (!features.has("ringBuffer"))
    throw unsupported("no-fexit", "the fexit programs need the BPF ring buffer, which is not available");
  if (!features.has("ipsetBtf")) throw unsupported("no-fexit", "the kernel has no BTF for ip_set");
  const symbols = handlersOf(wanted).map(({ symbol }) => symbol);
  return { name: "fexit", caveats: [], countsSkips: true, load: (setUp) => load(setUp, symbols) };
}

function load(setUp: SetUp, symbols: readonly HandlerSymbol[]): LoadedBackend {
  const handlers = symbols.map((symbol) => `exit_${symbol}` as const);
  const wanted = [...handlers, reporter, refusals.program] as const;
  const object = loadModern(fexitModern, assets.fexitModern(), setUp, wanted, ({ maps, programs }) => {
    maps.scratch.maxEntries = 2; // a refusal is reported without the handlers' mutex: it needs its own slot
    if (!ipsetIsModule()) return;
    // The object names the functions without their module. libbpf would search all of vmlinux first.
    for (const symbol of symbols) {
      attempt(`find ${symbol}`, () => {
        programs[`exit_${symbol}`].target = `ip_set:${symbol}`;
      });
    }
    attempt("find ip_set_create", () => {
      programs[reporter].target = "ip_set:ip_set_create";
    });
  });
  const { maps, programs } = object;

  function attach(): DisposableStack {
    using stack = new DisposableStack();
    attempt("chain the fexit programs", () => maps.reporters.set(0, fdValue(programs[reporter].fd)));
    for (const symbol of symbols) {
      attempt(`attach to ${symbol}`, () => stack.use(programs[`exit_${symbol}`].attachTrampoline()));
    }
    attempt(`attach to ${refusals.symbol}`, () => stack.use(programs[refusals.program].attachTrampoline()));
    return stack.move();
  }

  return {
    maps,
    programs: loadedPrograms(object),
    attach,
    [Symbol.dispose]: () => object[Symbol.dispose](),
  };
}
