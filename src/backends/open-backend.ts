// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The backends in their order, best first.

import type { Command } from "../ipset/message.ts";
import type { Backend, BackendName } from "./backend.ts";
import type { Features } from "./features.ts";
import { openFexit } from "./fexit.ts";
import { openKprobe } from "./kprobe.ts";
import { openTracepoint } from "./tracepoint.ts";

type Open = (features: Features, wanted: ReadonlySet<Command>) => Backend;

/**
 * Checks the cheap evidence for a backend, and returns the backend if it may work.
 * @param wanted commands. Handlers of other commands are neither loaded nor attached.
 * @throws MineError if this host cannot use the backend.
 */
export const openBackend: Record<BackendName, Open> = {
  fexit: openFexit,
  kprobe: openKprobe,
  tracepoint: openTracepoint,
};
