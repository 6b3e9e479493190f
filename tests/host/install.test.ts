// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `mine install` and `mine uninstall`, below a directory of the test.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Host } from "../support/host.ts";
import { readError, readWarnings } from "../support/stderr.ts";

const files = [
  "etc/mine.conf",
  "lib/systemd/system/mine.service",
  "sbin/mine",
  "share/bash-completion/completions/mine",
  "share/fish/vendor_completions.d/mine.fish",
  "share/man/man8/mine.8",
  "share/zsh/site-functions/_mine",
];
const manifest = "share/mine/installed";
const everything = [...files, manifest].sort();

let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(() => host[Symbol.dispose]());

/** Returns the files below a directory. */
const filesIn = (prefix: string): string[] =>
  readdirSync(prefix, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(prefix, name)).isFile())
    .sort();
const run = (command: "install" | "uninstall", prefix: string, ...args: string[]) =>
  host.run([command, "--prefix", prefix, ...args]);
async function installed(): Promise<string> {
  const prefix = host.emptyDirectory("prefix");
  expect(await run("install", prefix)).toMatchObject({ exitCode: 0 });
  return prefix;
}
/** Paths that mine printed, relative to the directory. */
const printed = (prefix: string, stdout: string): string[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((path) => path.replace(`${prefix}/`, ""))
    .sort();

describe("mine install", () => {
  test("puts each file in its place, with any umask", async () => {
    const prefix = host.emptyDirectory("prefix");
    const through = ["sh", "-c", 'umask 077; exec ./mine "$@"', "mine"];
    const { exitCode, stdout, stderr } = await host.run(["install", "--prefix", prefix], { through });
    expect(exitCode).toBe(0);
    expect(printed(prefix, stdout)).toEqual(files);
    expect(stderr).toContain("systemctl enable --now mine");
    expect(filesIn(prefix)).toEqual(everything);
    for (const name of everything) {
      expect([name, statSync(join(prefix, name)).mode & 0o777]).toEqual([
        name,
        name === "sbin/mine" ? 0o755 : 0o644,
      ]);
      expect(statSync(dirname(join(prefix, name))).mode & 0o755).toBe(0o755);
    }
  });

  test("installs the program that runs, and what it generates", async () => {
    const prefix = await installed();
    const version = Bun.spawnSync([join(prefix, "sbin/mine"), "--version"]).stdout.toString();
    expect(version).toBe((await host.run(["--version"])).stdout);
    const generated = await host.run(["--generate", "man"]);
    expect(readFileSync(join(prefix, "share/man/man8/mine.8"), "utf8")).toBe(generated.stdout);
    const unit = readFileSync(join(prefix, "lib/systemd/system/mine.service"), "utf8");
    const config = join(prefix, "etc/mine.conf");
    expect(unit).toMatch(new RegExp(`^ExecStart=${prefix}/sbin/mine --config ${config}$`, "m"));
  });

  test("lists the files with their checksums", async () => {
    const prefix = await installed();
    const check = Bun.spawnSync(["sha256sum", "--check", "--quiet", join(prefix, manifest)]);
    expect(`${check.exitCode} ${check.stdout}`).toBe("0 ");
  });

  test("replaces its own files, also while the program runs", async () => {
    const prefix = await installed();
    const self = await host.run(["install", "--prefix", prefix], { through: [join(prefix, "sbin/mine")] });
    expect(self).toMatchObject({ exitCode: 0 });
    expect(filesIn(prefix)).toEqual(everything);
  });

  test("replaces no other file, and then installs nothing", async () => {
    const prefix = host.emptyDirectory("prefix");
    const other = join(prefix, "share/man/man8/mine.8");
    mkdirSync(dirname(other), { recursive: true });
    writeFileSync(other, "another mine");
    const { exitCode, stderr } = await run("install", prefix);
    expect([exitCode, readError(stderr).reason]).toEqual([1, "file-exists"]);
    expect(readError(stderr).message).toContain(other);
    expect(filesIn(prefix)).toEqual(["share/man/man8/mine.8"]);
  });

  test("does not replace a file that somebody has changed", async () => {
    const prefix = await installed();
    appendFileSync(join(prefix, "lib/systemd/system/mine.service"), "# mine\n");
    const { exitCode, stderr } = await run("install", prefix);
    expect([exitCode, readError(stderr).reason]).toEqual([1, "file-exists"]);
  });

  test("keeps a changed configuration, and says so", async () => {
    const prefix = await installed();
    const config = join(prefix, "etc/mine.conf");
    writeFileSync(config, "utc\n");
    for (const _ of [1, 2]) {
      const { exitCode, stdout, stderr } = await run("install", prefix);
      expect(exitCode).toBe(0);
      expect(printed(prefix, stdout)).toEqual(files.filter((name) => name !== "etc/mine.conf"));
      expect(readWarnings(stderr).join()).toContain(config);
    }
    expect(readFileSync(config, "utf8")).toBe("utc\n");
    const { stderr } = await run("uninstall", prefix);
    expect(readWarnings(stderr).join()).toContain(config);
    expect(filesIn(prefix)).toEqual(["etc/mine.conf"]);
    expect(await run("install", prefix)).toMatchObject({ exitCode: 0 });
    expect(readFileSync(config, "utf8")).toBe("utc\n");
  });

  test("installs a configuration that mine reads, with every line of it", async () => {
    const prefix = await installed();
    const config = join(prefix, "etc/mine.conf");
    const text = readFileSync(config, "utf8");
    const commented = text.replaceAll(/^#(?=\S+ = )/gm, "");
    expect(commented).not.toBe(text);
    writeFileSync(config, `${commented}count = never\n`);
    const { exitCode, stderr } = await host.run(["--config", config]);
    // The last line is the only wrong one.
    expect([exitCode, readError(stderr).message]).toEqual([
      2,
      expect.stringContaining(`${config}:${commented.split("\n").length}: --count: 'never'`),
    ]);
  });

  test("with --dry-run only prints the paths", async () => {
    const prefix = host.emptyDirectory("prefix");
    const { stdout } = await run("install", prefix, "--dry-run");
    expect(printed(prefix, stdout)).toEqual(files);
    expect(filesIn(prefix)).toEqual([]);
  });

  test.each(["usr", "/a b", "/a%n", "/", "", "/a\nExecStart=/x"])(
    "refuses the directory %j",
    async (prefix) => {
      const { exitCode, stderr } = await host.run(["install", `--prefix=${prefix}`]);
      expect([exitCode, readError(stderr).reason]).toEqual([2, "usage"]);
    },
  );

  test("says which file cannot be written", async () => {
    const { exitCode, stderr } = await host.run(["install", "--prefix", "/proc/mine"]);
    expect([exitCode, readError(stderr).reason]).toEqual([1, "cannot-write"]);
    expect(readError(stderr).message).toContain("/proc/mine");
  });
});

describe("mine uninstall", () => {
  test("removes every file and directory that mine has made, and no other", async () => {
    const prefix = host.emptyDirectory("prefix");
    const other = join(prefix, "share/man/man8/other.8");
    mkdirSync(dirname(other), { recursive: true });
    writeFileSync(other, "");
    mkdirSync(join(prefix, "lib"));
    await run("install", prefix);
    const { exitCode, stdout } = await run("uninstall", prefix);
    expect(exitCode).toBe(0);
    expect(printed(prefix, stdout)).toEqual(everything);
    expect(readdirSync(prefix, { recursive: true, encoding: "utf8" }).sort()).toEqual(
      ["lib", "share", "share/man", "share/man/man8", "share/man/man8/other.8"].sort(),
    );
  });

  test("keeps a file that somebody has changed, and says so", async () => {
    const prefix = await installed();
    const unit = join(prefix, "lib/systemd/system/mine.service");
    appendFileSync(unit, "# mine\n");
    const { exitCode, stderr } = await run("uninstall", prefix);
    expect(exitCode).toBe(0);
    expect(readWarnings(stderr).join()).toContain(unit);
    expect(filesIn(prefix)).toEqual(["lib/systemd/system/mine.service"]);
  });

  test("removes the program that runs", async () => {
    const prefix = await installed();
    const self = join(prefix, "sbin/mine");
    expect(await host.run(["uninstall", "--prefix", prefix], { through: [self] })).toMatchObject({
      exitCode: 0,
    });
    expect(existsSync(self)).toBe(false);
  });

  test("removes what an interrupted installation left", async () => {
    const prefix = await installed();
    for (const name of ["sbin/mine", "share/man/man8/mine.8"]) Bun.spawnSync(["rm", join(prefix, name)]);
    expect(await run("uninstall", prefix)).toMatchObject({ exitCode: 0 });
    expect(readdirSync(prefix)).toEqual([]);
  });

  test("with --dry-run only prints the paths", async () => {
    const prefix = await installed();
    const { stdout } = await run("uninstall", prefix, "--dry-run");
    expect(printed(prefix, stdout)).toEqual(everything);
    expect(filesIn(prefix)).toEqual(everything);
  });

  test("without an installation is an error", async () => {
    const { exitCode, stderr } = await run("uninstall", host.emptyDirectory("prefix"));
    expect([exitCode, readError(stderr).reason]).toEqual([1, "not-installed"]);
  });
});
