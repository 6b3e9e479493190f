// What mine says, and how it ends, on a kernel that lacks what it needs: one line that says what is wrong,
// one that says what to do, exit code 3. The kernel without kprobes is in tests/host.
import { beforeAll, expect, test } from "bun:test";
import { btfFile, fetchKernel } from "./kernels.ts";
import { runSession, type Session } from "./session.ts";

let session: Session;

beforeAll(async () => {
  const [other] = Object.values(await btfFile(await fetchKernel({ suite: "bullseye", series: "5.10" })));
  if (!other) throw new Error("5.10 has no BTF");
  const needs = { programs: ["strace"], files: { "/other-kernel.btf": other } };
  session = await runSession("refusals.sh", { suite: "bookworm", series: "6.1" }, needs);
}, 300_000);

const text = (name: string) => session.text(name);

/** The two lines after the greeting, when that is all there is and nothing went to stdout. */
function refusal(name: string): [wrong: string, todo: string] {
  const lines = text(`${name}.stderr`).split("\n");
  expect(lines).toHaveLength(3);
  expect(text(`${name}.exit`)).toBe("3");
  expect(text(`${name}.stdout`)).toBe("");
  return [lines[1] ?? "", lines[2] ?? ""];
}

test("every refusal was provoked", () => {
  expect(`${session.exitCode} ${text("stderr")}`).toBe("0 ");
});

test("no BTF: each place is named, and the script that makes it", () => {
  const [wrong, todo] = refusal("no-btf");
  const release = text("release");
  expect(wrong).toStartWith(
    `mine: kernel ${release} has no BTF; looked at /sys/kernel/btf/vmlinux (missing), `,
  );
  expect(wrong).toContain(`/boot/vmlinux-${release} (missing)`);
  expect(wrong).toEndWith(`/usr/lib/debug/lib/modules/${release}/vmlinux (missing)`);
  expect(todo).toContain("scripts/build-btf.sh");
});

test("a BTF file that is none, or that others may write, is named with its fault", () => {
  expect(refusal("broken-btf")[0]).toMatch(/\/boot\/vmlinux-\S+ \(btf__parse: /);
  expect(refusal("writable-btf")[0]).toMatch(/\/boot\/vmlinux-\S+ \(others than root may write it/);
});

test.each(["kprobe", "tracepoint"])("the BTF of another kernel is told as that, by %s", (backend) => {
  const [wrong, todo] = refusal(`other-btf-${backend}`);
  expect(wrong).toMatch(/^mine: \/other-kernel\.btf is not this kernel's BTF: /);
  expect(todo).toContain("scripts/build-btf.sh");
});

test("ip_set neither loaded nor to be had: modprobe's own words", () => {
  const [wrong, todo] = refusal("no-module");
  expect(wrong).toStartWith("mine: the ip_set module is not loaded and cannot be: modprobe: ");
  expect(todo).toContain("modprobe ip_set");
});

test("an old kernel without tracefs: the command that mounts it", () => {
  expect(refusal("no-tracefs")[1]).toContain("mount -t tracefs");
});

test("lockdown is said, not just EPERM", () => {
  const { stderr, exit } = { stderr: text("lockdown.stderr"), exit: text("lockdown.exit") };
  expect(exit).toBe("3");
  expect(stderr).toContain("mine: no backend can be used here; ");
  expect(stderr).toContain("locked down for confidentiality");
});
