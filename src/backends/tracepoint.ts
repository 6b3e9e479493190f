// The tracepoints where the kernel frees a socket buffer, for kernels that have neither kprobes nor trampolines.
// Two traps. Every packet passes there too, which costs a little. And a run that the kernel skips, because a packet's
// interrupted it on the same CPU, is that of a packet: requests are freed in the context of a thread. So the kernel's
// count of such runs tells nothing of commands.
import { release } from "node:os";
import type { BpfObject } from "../bpf/object.ts";
import { attachRawTracepoint, attachTracepoint } from "../bpf/probes.ts";
import { unsupported } from "../errors.ts";
import { attempt } from "../kernel/attempt.ts";
import type { Features } from "../kernel/features.ts";
import { Tracefs } from "../kernel/tracefs.ts";
import type { Backend } from "./backend.ts";

const program = "mine_free";
/** Of the legacy object, in the order of its map "stages": what the program goes on with. */
const stages = ["mine_step", "mine_rest"] as const;
/** The second, for a dump that nobody reads to its end: its request is freed with the socket. */
const tracepoints = ["consume_skb", "kfree_skb"] as const;

export function openTracepoint(features: Features): Backend {
  const form = features.has("ringBuffer") ? rawForm : classicForm();
  return {
    name: "tracepoint",
    caveats: [],
    countsSkips: false,
    prepare: () => {},
    ...form,
  };
}

type Form = Pick<Backend, "programs" | "attach">;

/** Of the modern object: kernels with a ring buffer have raw tracepoints. */
const rawForm: Form = {
  programs: [program],
  attach: (object) => attachAll((tracepoint) => attachRawTracepoint(object, tracepoint, program)),
};

function classicForm(): Form {
  const tracefs = Tracefs.find();
  if (!tracefs)
    throw unsupported("no-tracefs", "the tracepoints' numbers are in tracefs, and it is not mounted");
  const attach = (object: BpfObject, tracepoint: string): Disposable => {
    const id = tracefs.tracepointId("skb", tracepoint);
    if (id !== undefined) return attachTracepoint(object, id, program);
    throw unsupported("no-tracepoints", `kernel ${release()} has no tracepoint ${tracepoint}`);
  };
  return {
    programs: [program, ...stages],
    attach: (object) => {
      for (const [index, stage] of stages.entries()) {
        attempt("chain the programs", () => object.putProgram("stages", index, stage));
      }
      return attachAll((tracepoint) => attach(object, tracepoint));
    },
  };
}

function attachAll(attach: (tracepoint: string) => Disposable): DisposableStack {
  using stack = new DisposableStack();
  for (const tracepoint of tracepoints) {
    attempt(`attach to ${tracepoint}`, () => stack.use(attach(tracepoint)));
  }
  return stack.move();
}
