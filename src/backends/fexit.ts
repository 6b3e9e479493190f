// fexit: trampolines at the end of the handlers. It costs the audited programs least, and needs the types of the
// handlers from the kernel itself. While one is attached its module cannot be unloaded.
import { assets } from "../assets.ts";
import { fdValue } from "../core/map.ts";
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
/** Where nfnetlink refuses a message. Attached after the handlers, whose errors it must know. */
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
    maps.scratch.maxEntries = 2; // a refusal is reported outside of the handlers' mutex, by another slot
    if (!ipsetIsModule()) return;
    // The object names the functions alone; libbpf would search each in all of vmlinux first.
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
