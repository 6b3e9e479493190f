// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Runs the compiled binary on this host: its requirements, its errors when one is missing, and the files it leaves.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { btfPlaces } from "../../src/core/btf.ts";
import type { Reason } from "../../src/errors.ts";
import { endingOf, Host, isRoot } from "../support/host.ts";
import { readError } from "../support/stderr.ts";

let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(() => host[Symbol.dispose]());

if (!isRoot) console.warn("this-host.test.ts: most of it needs root and is skipped");

test("without root it reports the uid, and ends with exit code 3", async () => {
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "./mine"];
  const { exitCode, stdout, stderr } = await host.run([], isRoot ? { through: nobody } : {});
  const uid = isRoot ? 65534 : process.geteuid?.();
  expect(stdout).toBe("");
  const { reason, message } = readError(stderr);
  expect(reason).toBe("not-root");
  expect(message).toMatch(new RegExp(`\\b${uid}\\b`));
  expect(exitCode).toBe(3);
});

describe.skipIf(!isRoot)("as root", () => {
  test("it traces, or reports why this kernel cannot, with a hint", async () => {
    expect(endingOf(await host.run())).toEqual({ exitCode: 0 });
  });

  test.each<[missing: string, code: string, reason: Reason, hasBtf: boolean]>([
    ["bpf(2)", "ENOSYS", "no-bpf", true],
    ["bpf(2)", "EPERM", "no-privileges", true],
    ["bpf(2) and BTF", "ENOSYS", "no-bpf", false],
    ["bpf(2) and BTF", "EPERM", "no-privileges", false],
  ])("without %s, %s, it ends with one error and exit code 3", async (_, code, reason, hasBtf) => {
    const inject = `-e trace=bpf -e inject=bpf:error=${code}`;
    const hide = hasBtf ? "" : `mount --bind ${host.emptyDirectory("btf")} /sys/kernel/btf; `;
    const script = `${hide}exec strace -f -qq -o /dev/null ${inject} ./mine --backend tracepoint`;
    const { exitCode, stderr } = await host.run([], { through: ["unshare", "--mount", "sh", "-c", script] });
    const error = readError(stderr);
    expect(error.message).toContain(`(${code})`);
    expect({ exitCode, reason: error.reason }).toEqual({ exitCode: 3, reason });
  });

  test("mine btf writes a file that mine reads, and replaces no file", async () => {
    const path = join(host.dir, "found.btf");
    const first = await host.run(["btf", "-o", path]);
    expect(first.stderr).toContain(`/boot/vmlinux-${release()}\n`);
    expect(first.exitCode).toBe(0);
    const { exitCode, stderr } = await host.run(["--btf", path]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining("0 lost") });
    const second = await host.run(["btf", "-o", path]);
    expect(readError(second.stderr).reason).toBe("file-exists");
    expect(second.exitCode).toBe(1);
    expect(readError((await host.run(["btf", "-o", "/nowhere/file"])).stderr).reason).toBe("cannot-write");
  });

  test("without capabilities it ends with one error and exit code 3", async () => {
    const through = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "./mine"];
    const { exitCode, stderr } = await host.run([], { through });
    readError(stderr); // the reason depends on the mounts of this host
    expect(exitCode).toBe(3);
  });

  const file = (name: string, content: string | Buffer): string => {
    const path = join(host.emptyDirectory("btf"), name);
    writeFileSync(path, content);
    return path;
  };
  const fifo = (): string => {
    const path = join(host.emptyDirectory("btf"), "fifo");
    Bun.spawnSync(["mkfifo", path]);
    return path;
  };
  test.each<[what: string, path: () => string]>([
    ["missing", () => join(host.dir, "no-such-file")],
    ["empty", () => file("empty", "")],
    ["garbage", () => file("garbage", Buffer.alloc(4096, 0xa5))],
    ["truncated", () => file("short", Buffer.from([0x9f, 0xeb, 1, 0, 24, 0, 0, 0]))],
    ["an ELF file without BTF", () => process.execPath],
    ["a directory", () => host.dir],
    ["a device that ends at once", () => "/dev/null"],
    ["a device that never ends", () => "/dev/zero"],
    ["a FIFO that nobody writes to", () => fifo()],
  ])("names a BTF file that it refuses: %s", async (_, makePath) => {
    const path = makePath();
    const { exitCode, stdout, stderr } = await host.run(["--btf", path]);
    expect(exitCode).toBe(3);
    expect(stdout).toBe("");
    const { reason, message } = readError(stderr);
    expect(reason).toBe("unusable-btf");
    expect(message).toContain(path);
  });

  test("-v reports the kernel, and the chosen BTF file", async () => {
    const { stderr } = await host.run(["-v"]);
    const decisions = stderr.split("\n").filter((line) => line.startsWith("mine: "));
    const btf = btfPlaces(release()).find((place) => existsSync(place)) ?? "";
    expect(decisions.filter((line) => line.includes(release()) && line.includes(btf))).toHaveLength(1);
  });

  test("it leaves no file in any place that it could write to", async () => {
    const places = ["/tmp", "/var/tmp", "/dev/shm"];
    const cwd = host.directoryWithBinary();
    const home = host.emptyDirectory("home");
    // The binary is below /tmp, which the script hides under a tmpfs.
    const script = `
      mount --bind "$PWD" /mnt && mount --bind "$HOME" /media && export HOME=/media
      for place in ${places.join(" ")}; do mount -t tmpfs tmpfs "$place"; done
      cd /mnt && timeout --preserve-status --signal=INT 2 ./mine -v >/dev/null 2>&1; echo "status $?"
      find ${places.join(" ")} /media . -mindepth 1`;
    const through = ["unshare", "--mount", "bash", "-c", script];
    const { stdout } = await host.run([], { through, cwd, env: { HOME: home } });
    expect(stdout).toBe(`status 0\n./mine\n`);
  });

  describe("it ignores an unusable temporary directory", () => {
    const inNamespace = (setUp: string) => [
      ...["unshare", "--mount", "bash", "-c"],
      `mount --bind "$PWD" /mnt && ${setUp} && cd /mnt && exec ./mine`,
    ];
    test.each([
      ["noexec", "mount -t tmpfs -o noexec tmpfs /tmp", "/tmp"],
      ["read-only", "mount -t tmpfs -o ro tmpfs /tmp", "/tmp"],
      ["full", "mount -t tmpfs -o size=4k tmpfs /tmp && head -c 4096 /dev/zero >/tmp/full", "/tmp"],
      ["missing", "true", "/no/such/directory"],
    ])("%s", async (_, setUp, directory) => {
      const env = { TMPDIR: directory, BUN_TMPDIR: directory };
      const run = await host.run([], { through: inNamespace(setUp), env });
      expect(endingOf(run)).toEqual({ exitCode: 0 });
    });
  });

  test("it ignores a removed working directory", async () => {
    const through = ["bash", "-c", 'mine=$PWD/mine; mkdir gone && cd gone && rmdir ../gone && exec "$mine"'];
    expect(endingOf(await host.run([], { through }))).toEqual({ exitCode: 0 });
  });

  test("it ignores an unreadable working directory", async () => {
    const cwd = host.directoryWithBinary();
    mkdirSync(join(cwd, "secret"));
    chmodSync(join(cwd, "secret"), 0);
    const through = ["bash", "-c", 'mine=$PWD/mine; cd secret && exec "$mine"'];
    expect((await host.run([], { through, cwd })).exitCode).toBe(0);
  });
});
