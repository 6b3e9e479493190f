// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// scripts/build-btf.sh on small stand-ins for a vmlinux. bpftool checks the results, because the messages of
// the script alone prove nothing.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const script = join(import.meta.dir, "../../scripts/build-btf.sh");
const kernelSource = `
struct kuid { unsigned int val; };
struct task_struct { int pid; int tgid; struct task_struct *real_parent; struct kuid loginuid; };
enum state { RUNNING, STOPPED };
struct task_struct init_task;
enum state state = STOPPED;
const char linux_banner[] = "Linux version 4.15.0-999-test (somebody@somewhere) #1 SMP\\n";
long handler(long (*call)(struct task_struct *task), const volatile char name[8]) { return call(&init_task) + name[0]; }
`;

let dir: string;
const path = (name: string) => join(dir, name);

const { PATH } = process.env;

function run(command: string[], env: Record<string, string> = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    cwd: dir,
    env: { ...process.env, PATH: `${PATH}:/usr/sbin`, TMPDIR: path("tmp"), ...env },
  });
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

function must(...command: string[]) {
  const result = run(command);
  if (result.exitCode !== 0) throw new Error(`${command.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

const buildBtf = (...args: string[]) => run([script, ...args]);

/** Reads a BTF file with bpftool. Returns the number of types, and the names of the structs. */
function readBtf(file: string) {
  const types = must("bpftool", "btf", "dump", "file", file)
    .split("\n")
    .filter((line) => line.startsWith("["));
  const structs = types.flatMap((line) => /STRUCT '(\w+)'/.exec(line)?.[1] ?? []);
  return { count: types.length, structs };
}

function expectKernelBtf(file: string, stdout: string) {
  const btf = readBtf(file);
  expect(btf.structs).toContain("task_struct");
  expect(stdout).toStartWith(`${file}: ${btf.count} types, ${readFileSync(file).length} bytes`);
}

/** Creates a directory for PATH that holds every tool of the script except the missing ones. */
function toolsWithout(...missing: string[]) {
  const tools = mkdtempSync(path("tools-"));
  const all =
    "bash od head grep cut tail sort sed awk stat realpath dirname basename uname mktemp rm cp chmod mv " +
    "readelf objcopy llvm-objcopy pahole gzip xz zstd bzip2";
  for (const tool of all.split(" ")) {
    const found = Bun.which(tool);
    if (found && !missing.includes(tool)) symlinkSync(found, join(tools, tool));
  }
  return tools;
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "build-btf-test-"));
  must("mkdir", path("tmp"));
  writeFileSync(path("kernel.c"), kernelSource);
  must("gcc", "-g", "-O1", "-nostdlib", "-static", "-Wl,-e,handler", "kernel.c", "-o", path("with-dwarf"));
  must("cp", path("with-dwarf"), path("with-btf"));
  must("pahole", "-J", path("with-btf"));
  must("strip", "--strip-debug", path("with-btf"));
  must("strip", "-o", path("stripped"), path("with-dwarf"));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("an ELF vmlinux", () => {
  test.each(["with-dwarf", "with-btf"])("%s becomes an ELF file with only .BTF", (name) => {
    const out = path(`${name}.out`);
    const before = readFileSync(path(name));
    const result = buildBtf(path(name), "-o", out);
    expect(result.stderr).toBe("");
    expect(result.exitCode).toBe(0);
    expectKernelBtf(out, result.stdout);
    expect(result.stdout).toContain("kernel 4.15.0-999-test");
    expect(result.stdout).toContain("/boot/vmlinux-4.15.0-999-test");
    const sections = must("readelf", "-SW", out).match(/\] \.\S+/g);
    expect(sections?.filter((section) => !/str/.test(section))).toEqual(["] .BTF"]);
    expect(must("readelf", "-h", out)).toContain("X86-64");
    expect(readFileSync(path(name)).equals(before)).toBe(true);
  });

  test("uses GNU objcopy when llvm-objcopy is missing", () => {
    const out = path("gnu.out");
    const result = run([script, path("with-dwarf"), "-o", out], { PATH: toolsWithout("llvm-objcopy") });
    expect(result.stderr).toBe("");
    expectKernelBtf(out, result.stdout);
  });

  test("accepts its own output as input", () => {
    expect(buildBtf(path("with-btf"), "-o", path("first.out")).exitCode).toBe(0);
    const result = buildBtf(path("first.out"), "-o", path("second.out"));
    expect(result.stdout).toContain("kernel unknown");
    expect(readFileSync(path("second.out")).equals(readFileSync(path("first.out")))).toBe(true);
  });

  test("names the package to install when the file has neither BTF nor debug information", () => {
    const result = buildBtf(path("stripped"), "-o", path("stripped.out"));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("has neither BTF nor debug information");
    expect(result.stderr).toContain("linux-image-4.15.0-999-test-dbg or -dbgsym");
  });

  test("refuses the BTF of a program that is not a kernel", () => {
    writeFileSync(path("other.c"), "struct other { int x; } other; int main(void) { return other.x; }");
    must("gcc", "-g", "other.c", "-o", path("other"));
    const result = buildBtf(path("other"), "-o", path("other.out"));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("it has no struct task_struct");
  });

  test.each([
    ["that is truncated", (btf: Buffer) => btf.subarray(0, btf.length - 8), "it is cut off"],
    ["with a wrong magic number", (btf: Buffer) => btf.fill(0, 0, 2), "magic number"],
    ["with an unknown kind of type", (btf: Buffer) => btf.fill(31, 31, 32), "unknown kind 31"],
    [
      "with too many members in its first type",
      (btf: Buffer) => btf.fill(255, 28, 30).fill(4, 31, 32),
      "cut off",
    ],
  ])("refuses BTF %s", (_, damage, message) => {
    must("objcopy", "--dump-section", `.BTF=${path("raw")}`, path("with-btf"), path("unused"));
    writeFileSync(path("raw"), damage(readFileSync(path("raw"))));
    must("objcopy", "--update-section", `.BTF=${path("raw")}`, path("with-btf"), path("damaged"));
    const result = buildBtf(path("damaged"), "-o", path("damaged.out"));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("is not usable");
    expect(result.stderr).toContain(message);
  });
});

describe("a compressed kernel image", () => {
  const compressors = {
    gzip: "gzip",
    xz: "xz",
    zstd: "zstd",
    bzip2: "bzip2",
    lzma: "xz --format=lzma",
    lz4: "lz4 -l",
    lzop: "lzop",
  };
  for (const [name, command] of Object.entries(compressors)) {
    const [tool = "", ...options] = command.split(" ");
    const title = `${name}, behind a loader and before a trailer`;
    if (!Bun.which(tool)) {
      test.skip(`${title}: ${tool} is not installed`, () => {});
      continue;
    }
    test(title, () => {
      const loader = Buffer.from(
        "MZ loader \x1f\x8b\x08 not gzip \x28\xb5\x2f\xfd not zstd".repeat(9),
        "latin1",
      );
      const { stdout } = Bun.spawnSync([tool, ...options, "-c"], { stdin: readFileSync(path("with-btf")) });
      writeFileSync(path("image"), Buffer.concat([loader, stdout, Buffer.alloc(4096, "trailer")]));
      const out = path(`${name}.out`);
      const result = buildBtf(path("image"), "-o", out);
      expect(result.stderr).toBe("");
      expectKernelBtf(out, result.stdout);
    });
  }

  test("names the tool that is missing for it", () => {
    const { stdout } = Bun.spawnSync(["zstd", "-c"], { stdin: readFileSync(path("with-btf")) });
    writeFileSync(path("image.zst"), stdout);
    const result = run([script, path("image.zst"), "-o", path("zst.out")], { PATH: toolsWithout("zstd") });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("perhaps compressed with zstd: install the package zstd");
  });

  test("refuses a file in any other format", () => {
    writeFileSync(path("garbage"), "this is not a kernel\n".repeat(1000));
    const result = buildBtf(path("garbage"), "-o", path("garbage.out"));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("neither an ELF file nor a kernel image that could be unpacked");
  });
});

describe("arm64's kernel image", () => {
  /** An Image: the kernel as it is in memory, with this magic number at byte 56 (arch/arm64/kernel/head.S). */
  function writeImage(name: string, ...content: Buffer[]): string {
    const header = Buffer.alloc(64);
    header.write("ARM\x64", 56);
    writeFileSync(path(name), Buffer.concat([header, ...content, Buffer.alloc(5000)]));
    return path(name);
  }

  test.each([
    ["uncompressed", ["cat"]],
    ["compressed", ["gzip", "-c"]],
  ])("%s: its BTF becomes an ELF file of arm64", (name, command) => {
    must("objcopy", "--dump-section", `.BTF=${path("arm.raw")}`, path("with-btf"), path("unused"));
    const banner = Buffer.from("\0Linux version 5.4.0-99-arm (somebody@somewhere)\n\0");
    const image = writeImage("Image", Buffer.alloc(1234), banner, readFileSync(path("arm.raw")));
    const { stdout: packed } = Bun.spawnSync([...command, image]);
    writeFileSync(path(`Image.${name}`), packed);
    const out = path(`${name}.arm.out`);
    const result = buildBtf(path(`Image.${name}`), "-o", out);
    expect(result.stderr).toBe(
      `build-btf.sh: note: ${path(`Image.${name}`)} is a kernel of aarch64, this host is x86_64\n`,
    );
    expectKernelBtf(out, result.stdout);
    expect(result.stdout).toContain("kernel 5.4.0-99-arm");
    expect(must("readelf", "-h", out)).toContain("AArch64");
  });

  test("without BTF is refused", () => {
    const image = writeImage("Image.bare", Buffer.alloc(1234));
    const { exitCode, stderr } = buildBtf(image, "-o", path("bare.out"));
    expect(exitCode).toBe(1);
    expect(stderr).toStartWith(`build-btf.sh: ${image} has no BTF\n`);
  });
});

describe("the output file", () => {
  test("is not overwritten without --force, not even when it is a dangling link", () => {
    const out = path("kept");
    writeFileSync(out, "precious");
    symlinkSync("/nonexistent", path("dangling"));
    for (const there of [out, path("dangling")]) {
      const result = buildBtf(path("with-btf"), "-o", there);
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toContain("is already there");
      expect(result.stderr).toContain("--force");
    }
    expect(readFileSync(out, "utf8")).toBe("precious");
    const result = buildBtf("--force", path("with-btf"), "-o", out);
    expectKernelBtf(out, result.stdout);
  });

  test("--force replaces a symbolic link, not the file it points to", () => {
    writeFileSync(path("victim"), "precious");
    symlinkSync(path("victim"), path("link"));
    expect(buildBtf(path("with-btf"), "-o", path("link"), "-f").exitCode).toBe(0);
    expect(readFileSync(path("victim"), "utf8")).toBe("precious");
  });

  test("may have a relative name that looks like an option, and so may the input", () => {
    must("cp", path("with-btf"), path("-kernel"));
    const result = buildBtf("./-kernel", "-o", "-out");
    expect(result.stderr).toBe("");
    expectKernelBtf(path("-out"), result.stdout);
  });

  test("is unchanged after a failure, and no temporary file remains", () => {
    must("mkdir", path("target"));
    writeFileSync(path("target/old"), "precious");
    expect(buildBtf(path("other"), "-o", path("target/old"), "-f").exitCode).toBe(1);
    expect(readFileSync(path("target/old"), "utf8")).toBe("precious");
    expect(readdirSync(path("target"))).toEqual(["old"]);
    expect(readdirSync(path("tmp"))).toEqual([]);
  });

  test("needs an existing directory", () => {
    const result = buildBtf(path("with-btf"), "-o", path("no/such/directory"));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("there is no such directory");
  });

  test("must be a regular file, even with --force", () => {
    must("mkfifo", path("fifo"));
    for (const there of [path("tmp"), path("fifo")]) {
      const result = buildBtf(path("with-btf"), "-o", there, "--force");
      expect(result.exitCode).toBe(1);
      expect(result.stderr).toContain(`${there} is not a regular file`);
    }
  });

  test("is not written to /boot for a kernel that this host does not run", () => {
    const result = buildBtf(path("with-btf"), "--force");
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("is a kernel 4.15.0-999-test, but this host runs");
    expect(result.stderr).toContain("-o FILE");
  });
});

describe("tools and usage", () => {
  test.each([
    ["binutils", "with-btf", ["readelf"]],
    ["binutils", "with-btf", ["objcopy", "llvm-objcopy"]],
    ["dwarves", "with-dwarf", ["pahole"]],
  ])("the message names package %s when one of its tools is missing", (packageName, input, missing) => {
    const out = path("missing.out");
    const result = run([script, path(input), "-o", out], { PATH: toolsWithout(...missing) });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(`${missing[0]} is needed`);
    expect(result.stderr).toContain(`install the package ${packageName}`);
  });

  test("the message tells an alternative to the too old pahole of Ubuntu Bionic", () => {
    const tools = toolsWithout("pahole");
    writeFileSync(join(tools, "pahole"), "#!/bin/sh\necho v1.9\n", { mode: 0o755 });
    const result = run([script, path("with-dwarf"), "-o", path("bionic.out")], { PATH: tools });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("pahole 1.9 is too old, 1.16 is the least");
    expect(result.stderr).toContain("-o FILE");
  });

  test.each([[["--frobnicate"]], [["-o"]], [["-o", ""]], [["a", "b"]], [[""]]])("%j is bad usage", (args) => {
    const result = buildBtf(...args);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("--help");
  });

  test("--help prints the usage to stdout", () => {
    const result = buildBtf("--help");
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain("scripts/build-btf.sh [VMLINUX] [-o FILE] [--force]");
    expect(result.stdout).not.toContain("SPDX");
  });

  test("reports a VMLINUX that does not exist", () => {
    const result = buildBtf(path("nothing"), "-o", path("nothing.out"));
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(`cannot read ${path("nothing")}`);
  });
});
