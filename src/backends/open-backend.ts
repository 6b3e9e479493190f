// The rungs in their order, and which of them may be tried.

import type { Command } from "../ipset/message.ts";
import type { Backend, BackendName } from "./backend.ts";
import type { Features } from "./features.ts";
import { openFexit } from "./fexit.ts";
import { openKprobe } from "./kprobe.ts";
import { openTracepoint } from "./tracepoint.ts";

type Open = (features: Features, wanted: ReadonlySet<Command>) => Backend;

/**
 * The evidence that can be had cheaply, and what follows from it.
 * @param wanted commands; what serves none of them need not be loaded, nor attached.
 * @throws MineError when the rung cannot be used here.
 */
export const openBackend: Record<BackendName, Open> = {
  fexit: openFexit,
  kprobe: openKprobe,
  tracepoint: openTracepoint,
};
