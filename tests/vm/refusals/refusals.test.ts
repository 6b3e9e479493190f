// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// On a kernel that lacks something mine needs, mine prints one error with its reason and a hint, and exits with code 3.
// tests/host tests the kernel without kprobes.
import { beforeAll, expect, test } from "bun:test";
import { type PrintedError, readError } from "../../support/stderr.ts";
import { btfFile, fetchKernel } from "../kernels.ts";
import { runSession, type Session } from "../session.ts";

let session: Session;

beforeAll(async () => {
  const [other] = Object.values(await btfFile(await fetchKernel({ suite: "bullseye", series: "5.10" })));
  if (!other) throw new Error("5.10 has no BTF");
  const needs = { programs: ["strace"], files: { "/other-kernel.btf": other } };
  session = await runSession("refusals/guest.sh", { suite: "bookworm", series: "6.1" }, needs);
}, 300_000);

const text = (name: string) => session.text(name);

/** Returns the error, and expects an empty stdout. */
function refusal(name: string): PrintedError {
  expect(text(`${name}.exit`)).toBe("3");
  expect(text(`${name}.stdout`)).toBe("");
  return readError(text(`${name}.stderr`));
}

test("every refusal was provoked", () => {
  expect(`${session.exitCode} ${text("stderr")}`).toBe("0 ");
});

test("without BTF and in a PID namespace the error names each place, and the hint the script that builds BTF", () => {
  const { reason, message, hint } = refusal("no-btf");
  const release = text("release");
  expect(reason).toBe("no-btf");
  const places = ["/sys/kernel/btf/vmlinux", `/boot/vmlinux-${release}`];
  for (const place of [...places, `/usr/lib/debug/lib/modules/${release}/vmlinux`])
    expect(message).toContain(place);
  expect(hint).toContain("scripts/build-btf.sh");
});

test("refuses a BTF file that is invalid, or that others may write", () => {
  expect(refusal("broken-btf")).toMatchObject({
    reason: "no-btf",
    message: expect.stringContaining("btf__parse"),
  });
  expect(refusal("writable-btf").reason).toBe("no-btf");
});

test.each(["kprobe", "tracepoint"])("reports the BTF of another kernel as foreign, by %s", (backend) => {
  const { reason, message, hint } = refusal(`other-btf-${backend}`);
  expect(reason).toBe("foreign-btf");
  expect(message).toContain("/other-kernel.btf");
  expect(hint).toContain("scripts/build-btf.sh");
});

test("without an ip_set module the error quotes modprobe", () => {
  const { reason, message, hint } = refusal("no-module");
  expect(reason).toBe("no-ip-set");
  expect(message).toContain("modprobe: ");
  expect(hint).toContain("modprobe ip_set");
});

test("without tracefs on an old kernel the hint is the command that mounts it", () => {
  const { reason, hint } = refusal("no-tracefs");
  expect(reason).toBe("no-tracefs");
  expect(hint).toContain("mount -t tracefs");
});

test("gives lockdown as the reason, not just EPERM", () => {
  expect(text("lockdown.exit")).toBe("3");
  expect(readError(text("lockdown.stderr")).reason).toBe("lockdown");
});
