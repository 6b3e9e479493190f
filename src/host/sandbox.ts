// What mine gives up once it sees events: from then on it reads strangers' bytes, and needs few rights for that.
// A decoder that was made to misbehave could then start nothing, and change nothing in the kernel or in a file.
// The trap: the runtime has threads of its own, and each thread has its own rights. What all of them lose they lose by
// the C library's setresuid(3), which has each of them make the call, and by a seccomp filter for all.
import { CallError } from "../core/errors.ts";
import { readText } from "../core/files.ts";
import { filterSyscalls, keepCapabilities, leaveRoot, returnToRoot } from "./ffi/credentials.ts";
import { statusField } from "./privileges.ts";
import { refused, syscallFilter } from "./syscall-filter.ts";

/** linux/capability.h */
const CAP_SYS_ADMIN = 1n << 21n;
const CAP_BPF = 1n << 39n;

/** Of nobody: no file belongs to it, and no process that could send us a signal. Not 65534, which others use too. */
export const NOBODYS_UID = 0xffff_fff0;

/**
 * As far as this kernel lets it; what it does not is no reason to see nothing.
 * @param mayAttachAgain whether probes may have to be made again, which takes more capabilities.
 * @returns what was given up, and what could not be, in words.
 */
export function confine(mayAttachAgain: boolean): string[] {
  const held = BigInt(`0x${statusField(readText("/proc/self/status") ?? "", "CapEff") ?? "0"}`);
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
  // The losses are read by bpf(2). Before 5.8, and where whoever granted rights knows no newer, CAP_SYS_ADMIN lets us.
  const [kept, name] = held & CAP_BPF ? [CAP_BPF, "CAP_BPF"] : [CAP_SYS_ADMIN, "CAP_SYS_ADMIN"];
  return tried(`no capabilities, except ${name} in the thread that reads events`, () =>
    keepCapabilities(held & kept),
  );
}

/** The last to do: it refuses what the others need. */
function refuseSyscalls(): string[] {
  if (process.arch !== "x64") return ["system calls: unchanged"];
  const done = `no new privileges, ${Object.keys(refused).length + 1} system calls refused`;
  const answer = tried(done, () => filterSyscalls(syscallFilter()));
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
