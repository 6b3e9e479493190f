// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// patches/linux: what the patch adds to the kernel's link script, applied to a script with the same lines.
// The kernel's own file is not here; patches/README.md says on which the patch was tried.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const patch = "patches/linux/0001-kbuild-add-BTF-to-a-vmlinux-with-debug-information.patch";
const linkScript = `#!/bin/sh
set -e
info() { echo "$1 $2"; }
vmlinux_link() { cp linked "$2"; }
sortextable() { :; }
info LD vmlinux
vmlinux_link "\${kallsymso}" vmlinux

if [ -n "\${CONFIG_BUILDTIME_EXTABLE_SORT}" ]; then
	info SORTEX vmlinux
	sortextable vmlinux
fi
info SYSMAP System.map
`;

let dir: string;

function run(command: string[], env: Record<string, string> = {}, stdin?: Buffer) {
  const options = { cwd: dir, env: { ...process.env, OBJCOPY: "objcopy", ...env } };
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, stdin ? { ...options, stdin } : options);
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

function link(env: Record<string, string>) {
  const result = run(["sh", "scripts/link-vmlinux.sh"], { CONFIG_BUILDTIME_EXTABLE_SORT: "y", ...env });
  const vmlinux = readFileSync(join(dir, "vmlinux"));
  const isChanged = !vmlinux.equals(readFileSync(join(dir, "linked")));
  const hasBtf = run(["readelf", "-SW", "vmlinux"]).stdout.includes(" .BTF ");
  return { ...result, isChanged, hasBtf };
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "patches-test-"));
  mkdirSync(join(dir, "scripts"));
  writeFileSync(join(dir, "scripts/link-vmlinux.sh"), linkScript);
  writeFileSync(join(dir, "kernel.c"), "struct task_struct { int pid; } init_task;");
  writeFileSync(join(dir, "old-pahole"), "#!/bin/sh\necho v1.9\n", { mode: 0o755 });
  writeFileSync(join(dir, "broken-pahole"), '#!/bin/sh\n[ "$1" = --version ] && echo v1.24\n', {
    mode: 0o755,
  });
  expect(run(["gcc", "-g", "-shared", "kernel.c", "-o", "linked"]).exitCode).toBe(0);
  const text = readFileSync(join(import.meta.dir, "../..", patch));
  const applied = run(["patch", "-p1", "--fuzz=0"], {}, text);
  expect(`${applied.stdout}${applied.stderr}`).toContain("patching file scripts/link-vmlinux.sh");
  expect(applied.exitCode).toBe(0);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("a kernel with debug information gets .BTF, before the exception table is sorted", () => {
  const result = link({ CONFIG_DEBUG_INFO: "y" });
  expect(result.hasBtf).toBe(true);
  expect(result.stdout).toBe("LD vmlinux\nBTF vmlinux\nSORTEX vmlinux\nSYSMAP System.map\n");
  expect(result.exitCode).toBe(0);
});

test.each([
  {},
  { CONFIG_DEBUG_INFO: "y", CONFIG_DEBUG_INFO_SPLIT: "y" },
  { CONFIG_DEBUG_INFO: "y", CONFIG_DEBUG_INFO_REDUCED: "y" },
])("nothing happens with %j", (config) => {
  const result = link(config as Record<string, string>);
  expect(result).toMatchObject({ exitCode: 0, isChanged: false, stderr: "" });
});

test.each(["/nonexistent/pahole", "./old-pahole"])("with %s the build says so and goes on", (pahole) => {
  const result = link({ CONFIG_DEBUG_INFO: "y", PAHOLE: pahole });
  expect(result).toMatchObject({ exitCode: 0, isChanged: false });
  expect(result.stderr).toContain(`${pahole} 1.16 or later is not installed (package dwarves)`);
});

test("a pahole that fails stops the build", () => {
  const result = link({ CONFIG_DEBUG_INFO: "y", PAHOLE: "./broken-pahole" });
  expect(result.exitCode).not.toBe(0);
  expect(result.stdout).not.toContain("SYSMAP");
});
