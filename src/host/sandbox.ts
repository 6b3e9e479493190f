// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Drops the privileges of mine after the backend is attached. From then on mine decodes untrusted input, and
// needs few privileges for that. An attacker who takes over the decoder can start no program, and change
// nothing in the kernel or in a file.
// The runtime has threads of its own, and each thread has its own privileges. setresuid(3) of the C library
// changes all threads, and one seccomp filter applies to all threads.
import { CallError } from "bun-libbpf/errors";
import { filterSyscalls, keepCapabilities, leaveRoot, returnToRoot } from "./ffi/credentials.ts";
import { effectiveCapabilities } from "./privileges.ts";
import { refusedNumbers, syscallFilter } from "./syscall-filter.ts";
import type { Architecture } from "./syscalls.ts";

/** linux/capability.h */
const CAP_SYS_ADMIN = 1n << 21n;
const CAP_BPF = 1n << 39n;

/**
 * A uid that owns no file and no process, so no other process may send signals to mine. It is not 65534,
 * because other programs use that.
 */
export const NOBODYS_UID = 0xffff_fff0;

/**
 * Drops all privileges that this kernel allows mine to drop. A failed step does not stop mine.
 * @param mayAttachAgain whether mine may have to make probes again, which needs more capabilities.
 * @returns the dropped privileges and the failed steps, in words.
 */
export function confine(mayAttachAgain: boolean): string[] {
  const held = effectiveCapabilities();
  const who = mayAttachAgain ? "all other threads" : "all threads";
  const threads = tried(`${who}: uid ${NOBODYS_UID}, which no other process has`, () =>
    leaveRoot(NOBODYS_UID),
  );
  const user = mayAttachAgain
    ? [tried("the thread that reads events: uid 0, to make probes again", () => returnToRoot(held))]
    : [];
  const capabilities = mayAttachAgain
    ? "capabilities: unchanged in that thread, to make probes again"
    : giveUpCapabilities(held);
  return [...refuseSyscalls(), threads, ...user, capabilities];
}

function giveUpCapabilities(held: bigint): string {
  // To read the counters through bpf(2) needs CAP_BPF. Before 5.8, or if the process was granted only the
  // older capability, it needs CAP_SYS_ADMIN.
  const [kept, name] = held & CAP_BPF ? [CAP_BPF, "CAP_BPF"] : [CAP_SYS_ADMIN, "CAP_SYS_ADMIN"];
  return tried(`no capabilities, except ${name} in the thread that reads events`, () =>
    keepCapabilities(held & kept),
  );
}

/**
 * Installs the system call filter. It is the last step, because the filter refuses the calls of the other
 * steps.
 */
function refuseSyscalls(): string[] {
  const architecture = process.arch as Architecture;
  const done = `no new privileges, ${refusedNumbers(architecture).length + 1} system calls refused`;
  const answer = tried(done, () => filterSyscalls(syscallFilter(architecture)));
  if (answer !== done) return [answer];
  return [done, "files: can be opened only to read"];
}

function tried(done: string, run: () => void): string {
  try {
    run();
    return done;
  } catch (error) {
    if (error instanceof CallError) return `not possible on this host: ${error.message}`;
    throw error;
  }
}
