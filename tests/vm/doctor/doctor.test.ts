// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `mine doctor` on every kernel of tests/vm/KERNELS reports exactly the usable backends of the row, and its self-test
// passes. One kernel is also examined without some of its parts.
import { beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { DoctorReport } from "../../../src/doctor/report.ts";
import { expectSameRefusal, parseReport, usableBackends } from "../../support/doctor.ts";
import { readKernelOffsets } from "../../support/kernel-offsets.ts";
import { mineFiles, type Target } from "../../support/target.ts";
import { bootVm, type VmResult } from "../../support/vm.ts";
import { btfFile, fetchKernel, type Row, readKernels } from "../kernels.ts";

const { MINE_VM_KERNEL } = process.env;
const TIMEOUT_MS = 300_000;
/** The row whose kernel is also examined without some of its parts. */
const MAIMED = "6.1";

const rows = readKernels();
const kernels = Map.groupBy(rows, ({ suite, series, target }) => `${suite} ${series} ${target}`);

async function boot([first, ...others]: Row[]): Promise<VmResult> {
  if (!first) throw new Error("no row");
  const kernel = await fetchKernel(first);
  const files: Record<string, string> = mineFiles(first.target as Target);
  if ([first, ...others].some(({ btf }) => btf === "file")) Object.assign(files, await btfFile(kernel));
  const env = {
    ROWS: [first, ...others]
      .map(({ name, btf, assume, kprobes }) => `${name}:${btf}:${assume}:${kprobes}`)
      .join(" "),
    TROUBLES: [first, ...others].some(({ name }) => name === MAIMED) ? "yes" : "",
  };
  const script = join(import.meta.dir, "guest.sh");
  const result = await bootVm({
    kernel,
    script,
    files,
    programs: ["setpriv"],
    env,
    hideBtf: false,
    live: false,
  });
  if (result.exitCode !== 0) throw new Error(`doctor.sh failed: ${result.files.get("stderr")}`);
  return result;
}

for (const [name, group] of kernels) {
  describe(`Linux ${name}`, () => {
    let results: VmResult;
    beforeAll(async () => {
      results = await boot(group);
    }, TIMEOUT_MS);

    const text = (name: string) => results.files.get(name)?.toString() ?? "";
    /** The report of one examination, which its exit code and stderr must match. */
    const report = (name: string): DoctorReport => {
      const report = parseReport(text(`${name}.json`));
      expect(text(`${name}.exit`)).toBe(report.auditable ? "0\n" : "3\n");
      expectSameRefusal(report, text(`${name}.stderr`));
      return report;
    };

    test.each(group)("$name: reports exactly the row's backends as usable", (row) => {
      const { auditable, choice, backends, buffer, btf, confinement } = report(row.name);
      const usable = row.backends.split(",");
      expect(usableBackends({ backends })).toEqual(usable);
      expect({ auditable, choice }).toEqual({ auditable: true, choice: usable[0] ?? "" });
      for (const { self_test } of backends.filter(({ usable }) => usable)) {
        expect(self_test?.verdict).toBe("passed");
        expect(self_test?.commands.map(({ agrees }) => agrees)).toEqual(Array(14).fill(true));
      }
      expect(confinement).not.toBeEmpty();
      expect(confinement.join()).not.toMatch(/\(E[A-Z]+\)/); // no step of the confinement failed
      expect(buffer).toEqual(
        row.transport === "ring"
          ? { kind: "ring", count: 1, bytes: 8 * 2 ** 20 }
          : { kind: "perf", count: 2, bytes: 4 * 2 ** 20 },
      );
      const paths: Record<string, string | null> = {
        sysfs: "/sys/kernel/btf/vmlinux",
        file: `/boot/vmlinux-${text("release").trim()}`,
        none: null,
      };
      expect(btf.path).toBe(paths[row.btf] ?? null);
      if (row.btf !== "none") expect(btf.offsets).toBeNull();
    });

    test.each(group.filter(({ btf }) => btf === "none"))(
      "$name: finds the offsets that the kernel's own BTF has",
      async (row) => {
        const { btf } = report(row.name);
        expect(btf.places).toHaveLength(8);
        for (const { reason } of btf.places) expect(reason).toBe("missing");
        const [file = ""] = Object.values(await btfFile(await fetchKernel(row)));
        const offsetOf = await readKernelOffsets(file);
        const found = Object.fromEntries(btf.offsets?.map(({ field, offset }) => [field, offset]) ?? []);
        expect(Object.keys(found).length).toBeGreaterThan(20);
        expect(found).toEqual(
          Object.fromEntries(Object.keys(found).map((field) => [field, offsetOf(field)])),
        );
      },
    );

    test.each(group.filter(({ btf }) => btf === "none"))(
      "$name: works with the BTF file that mine writes",
      (row) => {
        if (MINE_VM_KERNEL === undefined) expect(Number(text(`${row.name}.btf.pid`))).toBeWithin(120, 140);
        expect(text(`${row.name}.btf.stderr`)).toContain(`/boot/vmlinux-${text("release").trim()}\n`);
        const { auditable, backends, btf } = report(`${row.name}-with-file`);
        expect({ auditable, usable: usableBackends({ backends }) }).toEqual({
          auditable: true,
          usable: row.backends.split(","),
        });
        expect({ path: btf.path, offsets: btf.offsets }).toEqual({
          path: `/results/${row.name}.btf`,
          offsets: null,
        });
      },
    );

    test("the text report shows the same verdict", () => {
      expect(text("text")).toMatch(/^self-test +passed\b.*\b14\b/m);
      for (const line of text("text").split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    });

    test("nothing is left behind, and the kernel logs no error", () => {
      expect(text("sets")).toBe("");
      expect(text("probes")).toBe("");
      expect(results.consoleLog).not.toMatch(/BUG:|WARNING: CPU|Oops:|eneral protection fault/);
    });

    if (!group.some(({ name }) => name === MAIMED)) return;

    test("without the ip_set module the report calls it missing", () => {
      const { ip_set, backends, reason, choice } = report("no-module");
      expect(ip_set).toEqual({ found: "missing", state: "missing", btf: false });
      for (const backend of backends) expect(backend.reason).toBe("no-ip-set");
      expect(reason).toBe("no-ip-set");
      expect(choice).toBeNull();
    });

    test("without the set type the self-test sees the kernel's refusals", () => {
      const { auditable, ip_set, backends } = report("no-set-type");
      expect(ip_set).toEqual({ found: "loadable", state: "loaded", btf: true });
      expect(auditable).toBe(true);
      for (const { self_test } of backends.filter(({ usable }) => usable)) {
        expect(self_test?.verdict).toBe("passed");
        const create = self_test?.commands.find(({ command }) => command.startsWith("create"));
        expect(create).toMatchObject({ answer: "IPSET_ERR_FIND_TYPE", seen: "IPSET_ERR_FIND_TYPE" });
      }
    });

    test("without privileges the report names the missing capabilities, and no backend as usable", () => {
      const { auditable, privileges, reason } = report("no-right");
      expect(privileges.capabilities.missing).toEqual(["CAP_SYS_ADMIN", "CAP_PERFMON", "CAP_BPF"]);
      expect(auditable).toBe(false);
      expect(reason).toBe("no-privileges");
    });

    test("without a network namespace the kernel is auditable, and the self-test's verdict is unknown", () => {
      const { auditable, choice, backends } = report("no-namespace");
      expect({ auditable, choice }).toEqual({ auditable: true, choice: "fexit" });
      expect(backends[0]?.self_test).toEqual({
        verdict: "unknown",
        reason: "call-failed",
        message: expect.stringContaining("(ENOSPC)"),
        commands: [],
      });
    });

    test("finds kprobes that silently never fire, and chooses another backend", () => {
      const { auditable, choice, backends } = report("deaf");
      expect({ auditable, choice }).toEqual({ auditable: true, choice: "fexit" });
      expect(usableBackends({ backends })).not.toContain("kprobe");
      expect(backends.find(({ name }) => name === "kprobe")?.reason).toBe("blind-backend");
      const withoutBtf = report("deaf-without-btf");
      expect({ ...withoutBtf }).toMatchObject({ auditable: true, choice: "tracepoint" });
    });
  });
}
