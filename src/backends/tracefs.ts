// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds tracefs, with mine's prefix for the names of probes.
import { Tracefs } from "bun-libbpf";
import { log } from "../log.ts";

export const findTracefs = (): Tracefs | undefined => Tracefs.find("mine", log);
