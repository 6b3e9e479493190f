// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs mine under limits that prevent its start. It must print one line with the error and one with a hint, and exit.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { compileC } from "../support/compile.ts";
import { Host, isRoot } from "../support/host.ts";
import { readError } from "../support/stderr.ts";

let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(() => host[Symbol.dispose]());

if (!isRoot) console.warn("limits.test.ts: needs root and is skipped");

/**
 * Program that refuses the same calls as systemd's MemoryDenyWriteExecute=: mmap(2) with PROT_WRITE and PROT_EXEC,
 * and mprotect(2) with PROT_EXEC.
 */
const denyWriteExecute = `
  #include <linux/filter.h>
  #include <linux/seccomp.h>
  #include <sys/prctl.h>
  #include <sys/syscall.h>
  #include <unistd.h>
  #define ARGUMENT_3 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 16 + 8 * 2)
  int main(int argc, char **argv)
  {
    struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 2),
      ARGUMENT_3,
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 4, 5, 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3),
      ARGUMENT_3,
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 6),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, 0x7fff0000),
      BPF_STMT(BPF_RET | BPF_K, 0x00050001),
    };
    struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };
    if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program)) return 99;
    execv(argv[1], argv + 1);
    return 98;
  }`;

/** Program that refuses the same calls with prctl(PR_SET_MDWE), which the kernel has since 6.3. */
const refuseExecGain = `
  #include <sys/prctl.h>
  #include <unistd.h>
  int main(int argc, char **argv)
  {
    if (argc < 2 || prctl(65, 1, 0, 0, 0)) return 99;
    execv(argv[1], argv + 1);
    return 98;
  }`;

const shell = (line: string): string[] => ["bash", "-c", line];

describe.skipIf(!isRoot)("mine reports the limit that prevents its start", () => {
  test("a limit on file size, which applies to memory files too", async () => {
    const { exitCode, stdout, stderr } = await host.run([], { through: shell("ulimit -f 0; exec ./mine") });
    const { reason, message } = readError(stderr);
    expect(reason).toBe("file-size-limit");
    expect(message).toContain("(EFBIG)");
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
  });

  test.each<[what: string, through: () => string[]]>([
    ["2 GiB of address space", () => shell("ulimit -v 2097152; exec ./mine")],
    ["half a GiB of address space", () => shell("ulimit -v 524288; exec ./mine")],
    ["MemoryDenyWriteExecute", () => [compileC(host.dir, denyWriteExecute), "./mine"]],
    ["PR_SET_MDWE", () => [compileC(host.dir, refuseExecGain), "./mine"]],
    ["BUN_JSC_useJIT=0", () => shell("BUN_JSC_useJIT=0 exec ./mine")],
  ])("%s", async (what, makeThrough) => {
    const { exitCode, stdout, stderr } = await host.run([], { through: makeThrough() });
    if (what === "PR_SET_MDWE" && exitCode === 99) {
      console.warn(`${what}: this kernel does not have it (Linux 6.3), skipped`);
      return;
    }
    expect(readError(stderr).reason).toBe("no-jit");
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
  });
});

test("runs with 256 KiB of stack", async () => {
  const through = ["bash", "-c", 'ulimit -s 256; exec ./mine "$@"', "mine"];
  expect(await host.run(["--version"], { through })).toMatchObject({ exitCode: 0, stderr: "" });
});
