// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks the privileges of mine while it traces: in the thread that reads events, and in the runtime's threads.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { statusField } from "../../src/host/privileges.ts";
import { readText } from "../../src/host/sysfs.ts";
import { root } from "../support/compile.ts";
import { canTraceHere, Host, isRoot } from "../support/host.ts";

const isHere = canTraceHere("confinement.test.ts");
/** linux/capability.h */
const CAP_BPF = 1n << 39n;

let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(() => host[Symbol.dispose]());

interface Tried {
  told?: string[];
  own: Record<string, string>;
  other: Record<string, string>;
}

function tryAll(): Tried {
  const dir = host.emptyDirectory("open-to-all");
  chmodSync(dir, 0o777);
  writeFileSync(join(dir, "file"), "");
  chmodSync(join(dir, "file"), 0o666);
  const command = [process.execPath, join(root, "tests/fixtures/confined.ts"), dir];
  const { stdout, stderr } = Bun.spawnSync(command);
  if (stdout.length === 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

const allowed = ["read a file", "read a directory"];
const doneOf = (outcomes: Record<string, string>): string[] =>
  Object.keys(outcomes).filter((name) => outcomes[name] === "done");

describe.skipIf(!isRoot)("in all threads", () => {
  test("mine cannot write, create, remove, execute or signal, or read a secret", () => {
    const { told, own, other } = tryAll();
    expect(doneOf(own)).toEqual(allowed);
    expect(doneOf(other)).toEqual(allowed);
    expect(own["read a secret of root"]).toBe("EACCES");
    expect(other["read a secret of root"]).toBe("EACCES");
    expect(told?.join()).not.toMatch(/\(E[A-Z]+\)/); // no step of the confinement failed
    for (const line of told ?? []) expect(line.length).toBeLessThanOrEqual(66);
  });
});

/** Returns the name of each thread, and the fields of its /proc/PID/task/TID/status. */
function threadsOf(pid: number): { name: string; fields: (name: string) => string }[] {
  return readdirSync(`/proc/${pid}/task`).map((tid) => {
    const status = readText(`/proc/${pid}/task/${tid}/status`) ?? "";
    const fields = (name: string) =>
      new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.trimEnd() ?? "";
    return { name: statusField(status, "Name") ?? "", fields };
  });
}

test.skipIf(!isHere)(
  "in a tracing mine no thread is root, and none has a capability except CAP_BPF",
  async () => {
    let threads: ReturnType<typeof threadsOf> = [];
    const { exitCode } = await host.run(["--backend", "tracepoint"], {}, async (pid) => {
      await Bun.sleep(200);
      threads = threadsOf(pid);
    });
    expect(exitCode).toBe(0);
    expect(threads.length).toBeGreaterThan(3);
    for (const { fields } of threads) {
      const uids = fields("Uid").split("\t");
      expect(new Set(uids).size).toBe(1);
      expect(uids[0]).not.toBe("0");
      expect([fields("Groups"), fields("NoNewPrivs"), fields("Seccomp")]).toEqual(["", "1", "2"]);
    }
    const held = (name: string) =>
      new Set(
        threads.filter((one) => one.name === name).map(({ fields }) => BigInt(`0x${fields("CapPrm")}`)),
      );
    expect([...held("mine")]).toContain(CAP_BPF);
    // The runtime ends an idle thread of its compiler. One that the reading thread starts later inherits CAP_BPF.
    for (const { name } of threads) expect(held(name).isSubsetOf(new Set([0n, CAP_BPF]))).toBe(true);
  },
);
