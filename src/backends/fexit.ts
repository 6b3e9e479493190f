// fexit: trampolines at the end of the handlers. Cheapest for those who are audited. Needs the types of the
// handlers from the kernel itself. The trap: while one is attached its module cannot be unloaded.

import type { BpfObject } from "../bpf/object.ts";
import { attachTrampoline } from "../bpf/probes.ts";
import { unsupported } from "../errors.ts";
import type { ProgramName } from "../events/skeleton.gen.ts";
import { attempt } from "../kernel/attempt.ts";
import type { Features } from "../kernel/features.ts";
import { type HandlerSymbol, handlersOf } from "../kernel/handlers.ts";
import { ipsetIsModule } from "../kernel/host.ts";
import type { Command } from "../netlink/ipset-message.ts";
import type { Backend } from "./backend.ts";

const reporter = "mine_exit";
/** Where nfnetlink refuses a message. After the handlers, whose errors it must know. */
const refusals = { symbol: "netlink_ack", program: "mine_fentry_ack" } as const;

export function openFexit(features: Features, wanted: ReadonlySet<Command>): Backend {
  if (!features.has("ringBuffer"))
    throw unsupported("no-fexit", "its programs need the BPF ring buffer, and none is to be had");
  if (!features.has("ipsetBtf")) throw unsupported("no-fexit", "the kernel has no BTF for ip_set");
  const symbols = handlersOf(wanted).map(({ symbol }) => symbol);
  return {
    name: "fexit",
    programs: [...symbols.map((symbol) => `exit_${symbol}` as const), reporter, refusals.program],
    caveats: [],
    countsSkips: true,
    prepare: (object) => prepare(object, symbols),
    attach: (object) => attachAll(object, symbols),
  };
}

function prepare(object: BpfObject, symbols: readonly HandlerSymbol[]): void {
  object.setMaxEntries("scratch", 2); // refusals are reported outside of the handlers' mutex: by another slot
  if (!ipsetIsModule()) return;
  // The objects name the functions alone; each would be searched in all of vmlinux first.
  const inModule = (program: ProgramName, symbol: HandlerSymbol): void =>
    attempt(`find ${symbol}`, () => object.setTarget(program, `ip_set:${symbol}`));
  for (const symbol of symbols) inModule(`exit_${symbol}`, symbol);
  inModule(reporter, "ip_set_create");
}

function attachAll(object: BpfObject, symbols: readonly HandlerSymbol[]): DisposableStack {
  using stack = new DisposableStack();
  attempt("chain the fexit programs", () => object.putProgram("reporters", 0, reporter));
  for (const symbol of symbols) {
    attempt(`attach to ${symbol}`, () => stack.use(attachTrampoline(object, `exit_${symbol}`)));
  }
  attempt(`attach to ${refusals.symbol}`, () => stack.use(attachTrampoline(object, refusals.program)));
  return stack.move();
}
