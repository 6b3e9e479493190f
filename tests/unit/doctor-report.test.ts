// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The format and the values of a doctor's report, as text and as JSON. Its words are in messages.test.ts.
import { describe, expect, test } from "bun:test";
import { formatDoctorJson } from "../../src/doctor/json.ts";
import type { DoctorReport } from "../../src/doctor/report.ts";
import { formatDoctorText } from "../../src/doctor/text.ts";
import { auditable, failed, kprobe, passed, refused, variants } from "../support/doctor-reports.ts";

/** Returns the lines of one row: the rest of the line with the label, and the indented lines after it. */
function row(label: string, report: Partial<DoctorReport> = {}): string[] {
  const text = formatDoctorText({ ...auditable, ...report });
  const [lines = ""] = new RegExp(`^${label.padEnd(14)}.*(?:\\n .*)*`, "m").exec(text) ?? [];
  return lines
    .slice(14)
    .split("\n")
    .map((line) => line.trim());
}

const reports = [auditable, refused, ...variants.map((variant) => ({ ...auditable, ...variant }))];

test.each(reports.map((report, index) => [index, report] as const))(
  "report %d has a column of labels, and lines of at most 80 characters",
  (_, report) => {
    for (const line of formatDoctorText(report).split("\n")) {
      expect(line).toMatch(/^(?:\S.{12} \S| {14}\S| {2}\S)/);
      expect(line.length).toBeLessThanOrEqual(80);
    }
  },
);

test("shows each fact of a host that mine can audit", () => {
  expect(row("versions")[0]).toMatch(/0\.1\.0.*1\.4\.5.*1\.7/);
  expect(row("kernel")).toEqual(["6.1.0-50-amd64 x86_64", "#1 SMP Debian 6.1.176-1"]);
  expect(
    row("restrictions")[0]
      ?.split(", ")
      .map((one) => one.split(" ")[0]),
  ).toEqual([...["seccomp", "no_new_privs", "lockdown"]]);
  expect(row("locked memory")[0]).toContain("8 MiB");
  expect(row("BTF")).toEqual(["/sys/kernel/btf/vmlinux"]);
  expect(row("fexit")[0]).toContain("MESSAGE of the refusal");
  expect(row("event buffer")[0]).toContain("8 MiB");
  expect(row("confinement")).toEqual(["CONFINEMENT one", "CONFINEMENT two"]);
  expect(row("choice")).toEqual(["kprobe", "CAVEAT of the backend"]);
  const [verdict, ...commands] = row("self-test");
  expect(verdict).toMatch(/^passed\b.*\b2\b/);
  expect(commands.map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
    ...passed.commands.map(({ command, answer }) => [command, answer ?? ""]),
  ]);
});

test("shows the missing parts of a host that mine cannot audit", () => {
  expect(row("capabilities", refused)[0]).toContain("CAP_SYS_ADMIN, CAP_BPF");
  expect(row("locked memory", refused)[0]).toContain("64 KiB");
  const [, ...places] = row("BTF", refused);
  expect(places.join(" ")).toBe(
    refused.btf.places.map(({ path, message }) => `${path}: ${message}`).join(" "),
  );
  expect(places.length).toBeGreaterThan(2); // wrapped lines
  expect(row("kprobe", refused).join(" ")).toEndWith(refused.backends[0]?.message ?? "");
  for (const label of ["event buffer", "choice", "self-test"]) expect(row(label, refused)).toHaveLength(1);
});

describe("a special host", () => {
  test("with BTF in a later place shows the earlier places too", () => {
    const { btf } = variants.find(({ btf }) => btf) ?? {};
    expect(btf).toBeDefined();
    const [path, other] = row("BTF", { btf: btf as DoctorReport["btf"] });
    expect(path).toBe("/boot/vmlinux-4.15");
    expect(other).toContain("/sys/kernel/btf/vmlinux: MESSAGE of the place");
  });

  test("with a perf buffer shows the memory of all CPUs", () => {
    const [text] = row("event buffer", { buffer: { kind: "perf", count: 6, bytes: 262144 } });
    expect(text).toContain("6 x 256 KiB");
    expect(text).toContain("1536 KiB");
  });

  test("with a failed self-test shows the expected and the seen answers", () => {
    const [verdict, ...commands] = row("self-test", { backends: [{ ...kprobe, self_test: failed }] });
    expect(verdict).toBe("failed, MESSAGE of the self-test");
    const columns = commands.map((line) => line.split(/ {2,}/));
    expect(columns.map(([command]) => command)).toEqual(failed.commands.map(({ command }) => command));
    expect(columns[0]?.slice(1).join(" ")).toMatch(/^IPSET_ERR_EXIST .*success$/);
    expect(new Set(columns.map(([, , seen]) => seen)).size).toBe(3);
  });

  test("with an unknown result of the self-test shows the reason", () => {
    const unknown = { verdict: "unknown", reason: "call-failed", message: "unshare: EPERM" } as const;
    const [text] = row("self-test", { backends: [{ ...kprobe, self_test: { ...unknown, commands: [] } }] });
    expect(text).toEndWith(": unshare: EPERM");
  });
});

describe("no control character of a quoted message reaches the terminal", () => {
  const message = "modprobe: \x1b[31mFATAL\u202e\nself-test     passed\u2028\x9b \u{e0001}";
  const report: DoctorReport = {
    ...auditable,
    btf: { path: null, places: [{ path: "/\n\x07", reason: "unparsable", message }], offsets: null },
    backends: [{ ...kprobe, usable: false, reason: "no-ip-set", message, self_test: null }],
  };

  test("as text", () => {
    const text = formatDoctorText(report);
    expect(text).not.toMatch(/[^\n\x20-\x7e]/);
    expect(text).toContain("modprobe: \\u{1b}[31mFATAL\\u{202e}\\u{a}self-test");
    expect(text.match(/^self-test/gm)).toEqual(["self-test"]);
  });

  test("as JSON, which keeps the whole message", () => {
    const line = formatDoctorJson(report);
    expect(line).not.toMatch(/[^\x20-\x7e]/);
    expect(JSON.parse(line)).toEqual(report);
  });
});
