// The rungs in their order, and which of them may be tried.
import type { Features } from "../kernel/features.ts";
import type { Backend, BackendName } from "./backend.ts";
import { openFexit } from "./fexit.ts";
import { openKprobe } from "./kprobe.ts";
import { openTracepoint } from "./tracepoint.ts";

/**
 * The evidence that can be had cheaply, and what follows from it.
 * @throws MineError when the rung cannot be used here.
 */
export const openBackend: Record<BackendName, (features: Features) => Backend> = {
  fexit: openFexit,
  kprobe: openKprobe,
  tracepoint: openTracepoint,
};
