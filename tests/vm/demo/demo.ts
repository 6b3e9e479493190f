// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Shows the session of scripts/demo.sh in a virtual machine, live.
import { join } from "node:path";
import { bootVm } from "../../support/vm.ts";
import { fetchKernel } from "../kernels.ts";

const mine = process.argv[2];
if (!mine) throw new Error("usage: demo.ts MINE");

const { exitCode } = await bootVm({
  kernel: await fetchKernel({ suite: "bookworm", series: "6.1" }),
  script: join(import.meta.dir, "guest.sh"),
  files: { "/usr/local/bin/mine": mine },
  env: { MINE: "/usr/local/bin/mine", LOGIN_UID: "1000" },
  hideBtf: false,
  live: true,
});
process.exitCode = exitCode;
