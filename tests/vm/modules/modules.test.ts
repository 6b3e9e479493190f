// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// ip_set is unloaded and loaded again while mine traces. Each of the three forms of probes reacts differently.
import { beforeAll, describe, expect, test } from "bun:test";
import { complete, readSummary, readWarnings } from "../../support/stderr.ts";
import { findKernel } from "../kernels.ts";
import { runSession, type Session } from "../session.ts";

const seen = [
  "CREATE before (type: hash:ip) - SUCCESS",
  "DESTROY before - SUCCESS",
  "CREATE again (type: hash:ip) - SUCCESS",
  "DESTROY <all sets> - SUCCESS",
];

/** With MINE_VM_KERNEL, that kernel alone. */
const rows = new Map(["6.12", "6.12-arm64"].map(findKernel).map((row) => [row.name, row]));

describe.each([...rows.values()])("Linux $name", (row) => {
  const hasFexit = row.backends.includes("fexit");
  /** The PMU of kprobes came in 4.17; since 5.4.259 that series finds no function of a module through it. */
  const hasPmu = row.transport === "ring";
  const env = { BACKENDS: row.backends, PMU: hasPmu ? "yes" : "no" };

  let session: Session;

  beforeAll(async () => {
    session = await runSession("modules/guest.sh", row, { programs: ["strace"], env });
  }, 300_000);

  const text = (name: string) => session.text(name);
  const modules = (name: string) =>
    text(name)
      .split("\n")
      .map((line) => line.split(" ")[0]);
  const commands = (form: string) =>
    text(`${form}.stdout`)
      .split("\n")
      .map((line) => line.replace(/.* - (?=.* - )/, ""));

  test("the session ran to its end", () => {
    expect(`${session.exitCode} ${text("stderr")}`).toBe("0 ");
  });

  test("mine waits for the module while another process loads it", () => {
    expect(commands("loading")).toEqual([...seen.slice(0, 2), ...seen.slice(3)]);
  });

  test("probes in tracefs return with the module: mine reports the first command after that", () => {
    expect(text("tracefs.probes")).toContain("ip_set:ip_set_create");
    expect(modules("tracefs.modules-before")).toContain("ip_set");
    expect(text("tracefs.modules")).toBe("");
    expect(commands("tracefs")).toEqual(seen);
    expect(readSummary(text("tracefs.stderr"))).toEqual(complete(4));
  });

  test.if(hasFexit)("fexit keeps the module loaded, and mine reports every command", () => {
    expect(text("fexit.unload")).toContain("ip_set");
    expect(modules("fexit.modules")).toContain("ip_set");
    expect(commands("fexit")).toEqual(seen);
  });

  test.if(hasPmu)(
    "mine warns that probes of the PMU vanished with the module, and creates them again",
    () => {
      expect(text("pmu.stderr")).toContain("PMU");
      expect(text("pmu.modules")).toBe("");
      expect(commands("pmu")).toEqual(seen);
      const warnings = readWarnings(text("pmu.stderr"));
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain("ip_set");
    },
  );
});
