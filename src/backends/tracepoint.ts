// Tracepoints at the system calls that send netlink messages, for kernels that have nothing better: they need
// neither kprobes nor trampolines. The trap: while they are attached every system call of every program takes
// the kernel's slow way.
import { release } from "node:os";
import type { BpfObject } from "../bpf/object.ts";
import { attachTracepoint } from "../bpf/probes.ts";
import { unsupported } from "../errors.ts";
import type { ProgramName } from "../events/skeleton.gen.ts";
import { attempt } from "../kernel/attempt.ts";
import { Tracefs } from "../kernel/tracefs.ts";
import type { Backend } from "./backend.ts";

/** Of a message that is sent: where it is remembered, and where it is reported. */
const sent = "mine_sent";
const received = "mine_received";

/** System call: the programs at its entry and at its exit. */
const calls = {
  sendto: { enter: "mine_sendto", exit: sent },
  sendmsg: { enter: "mine_sendmsg", exit: sent },
  sendmmsg: { enter: "mine_sendmmsg", exit: sent },
  write: { enter: "mine_write", exit: sent },
  writev: { enter: "mine_writev", exit: sent },
  recvfrom: { enter: "mine_recvfrom", exit: received },
  recvmsg: { enter: "mine_recvmsg", exit: received },
} as const satisfies Record<string, Record<"enter" | "exit", ProgramName>>;

/** The exit first, so that what is remembered at an entry is not left behind. */
const tracepoints = Object.entries(calls).flatMap(([call, { enter, exit }]) => [
  { event: `sys_exit_${call}`, program: exit },
  { event: `sys_enter_${call}`, program: enter },
]);

export function openTracepoint(): Backend {
  const tracefs = Tracefs.find();
  if (!tracefs)
    throw unsupported("no tracefs", "the tracepoints' numbers are in tracefs, and it is not mounted");
  const points = tracepoints.map(({ event, program }) => {
    const id = tracefs.tracepointId("syscalls", event);
    if (id !== undefined) return { event, program, id };
    throw unsupported("no syscall tracepoints", `kernel ${release()} has no tracepoint ${event}`);
  });
  return {
    name: "tracepoint",
    programs: [...new Set(points.map(({ program }) => program))],
    caveats: [
      "messages are read from the caller's memory after the call: a hostile caller can change them before",
      "what is sent by io_uring, splice or a 32-bit program is not seen",
    ],
    prepare: () => {},
    attach: (object) => attachAll(object, points),
  };
}

function attachAll(
  object: BpfObject,
  points: readonly { event: string; program: ProgramName; id: number }[],
): DisposableStack {
  using stack = new DisposableStack();
  attempt("chain the programs", () => object.putProgram("next_message", 0, sent));
  for (const { event, program, id } of points) {
    attempt(`attach to ${event}`, () => stack.use(attachTracepoint(object, id, program)));
  }
  return stack.move();
}
