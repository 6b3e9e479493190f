// The compiled binary on this very host: what it needs, what it says when that is missing, what it leaves.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expectedHere, Host, isRoot } from "../support/host.ts";

let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(() => host[Symbol.dispose]());

if (!isRoot) console.warn("this-host.test.ts: most of it needs root and is skipped");

test("without root it says so and ends with 3", async () => {
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "./mine"];
  const { exitCode, stdout, stderr } = await host.run([], isRoot ? { through: nobody } : {});
  const uid = isRoot ? 65534 : process.geteuid?.();
  expect(stdout).toBe("");
  expect(stderr).toBe(
    "Foreground mode...<Ctrl-C> or SIG_TERM to end it.\n" +
      `mine: reading the kernel needs root, and this is uid ${uid}\n      Run it as root: sudo ./mine\n`,
  );
  expect(exitCode).toBe(3);
});

describe.skipIf(!isRoot)("as root", () => {
  test("it traces, or says in two lines why this kernel cannot and what to do", async () => {
    const expected = expectedHere();
    const { exitCode, stderr } = await host.run();
    expect(stderr).toMatch(expected.stderr);
    expect(exitCode).toBe(expected.exitCode);
  });

  test("root without any capability is told, whatever it was that failed", async () => {
    const through = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "./mine"];
    const { exitCode, stderr } = await host.run([], { through });
    expect(stderr).toMatch(/\nmine: .*\n {6}\S.*\n$/);
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
  test.each<[what: string, path: () => string, why: RegExp]>([
    ["missing", () => join(host.dir, "no-such-file"), /No such file or directory \(ENOENT\)/],
    ["empty", () => file("empty", ""), /: empty$/m],
    ["garbage", () => file("garbage", Buffer.alloc(4096, 0xa5)), /\(\w+\)/],
    ["cut short", () => file("short", Buffer.from([0x9f, 0xeb, 1, 0, 24, 0, 0, 0])), /\(\w+\)/],
    ["an ELF file without BTF", () => process.execPath, /\(\w+\)/],
    ["a directory", () => host.dir, /: not a regular file$/m],
    ["a device that ends at once", () => "/dev/null", /: not a regular file$/m],
    ["a device that never ends", () => "/dev/zero", /: not a regular file$/m],
    ["a FIFO that nobody writes to", () => fifo(), /: not a regular file$/m],
  ])("a BTF file that is %s is refused by name", async (_, makePath, why) => {
    const path = makePath();
    const { exitCode, stdout, stderr } = await host.run(["--btf", path]);
    expect(exitCode).toBe(3);
    expect(stdout).toBe("");
    expect(stderr).toContain("cannot be used as BTF: ");
    expect(stderr).toMatch(why);
    expect(stderr).toContain("      Name a raw or ELF file that carries this kernel's BTF");
    expect(stderr.split("\n").length).toBe(4);
  });

  test("-v tells what was decided", async () => {
    const { stderr } = await host.run(["-v"]);
    expect(stderr).toMatch(/^mine: kernel \S+, BTF from \/\S+$/m);
  });

  test("nothing is left behind: no file, wherever it might have made one", async () => {
    const places = ["/tmp", "/var/tmp", "/dev/shm"];
    const cwd = host.directoryWithBinary();
    const home = host.emptyDirectory("home");
    // The binary is reached from below /tmp, which is about to be covered.
    const script = `
      mount --bind "$PWD" /mnt && mount --bind "$HOME" /media && export HOME=/media
      for place in ${places.join(" ")}; do mount -t tmpfs tmpfs "$place"; done
      cd /mnt && timeout --preserve-status --signal=INT 2 ./mine -v >/dev/null 2>&1; echo "status $?"
      find ${places.join(" ")} /media . -mindepth 1`;
    const through = ["unshare", "--mount", "bash", "-c", script];
    const { stdout } = await host.run([], { through, cwd, env: { HOME: home } });
    expect(stdout).toBe(`status ${expectedHere().exitCode}\n./mine\n`);
  });

  describe("a temporary directory that is of no use", () => {
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
      const expected = expectedHere();
      const env = { TMPDIR: directory, BUN_TMPDIR: directory };
      const { exitCode, stderr } = await host.run([], { through: inNamespace(setUp), env });
      expect(stderr).toMatch(expected.stderr);
      expect(exitCode).toBe(expected.exitCode);
    });
  });

  test("a working directory that is gone", async () => {
    const through = ["bash", "-c", 'mine=$PWD/mine; mkdir gone && cd gone && rmdir ../gone && exec "$mine"'];
    const expected = expectedHere();
    const { exitCode, stderr } = await host.run([], { through });
    expect(stderr).toMatch(expected.stderr);
    expect(exitCode).toBe(expected.exitCode);
  });

  test("a working directory that cannot be read", async () => {
    const cwd = host.directoryWithBinary();
    mkdirSync(join(cwd, "secret"));
    chmodSync(join(cwd, "secret"), 0);
    const through = ["bash", "-c", 'mine=$PWD/mine; cd secret && exec "$mine"'];
    expect((await host.run([], { through, cwd })).exitCode).toBe(expectedHere().exitCode);
  });
});
