// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks that untrusted input cannot control the binary, which runs as root. Files of a directory and variables of
// the environment must not make it run foreign code or change its behaviour. Each test compares with a clean run.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { compileC } from "../support/compile.ts";
import { Host, isRoot, type Run } from "../support/host.ts";
import { readSummaries } from "../support/stderr.ts";

let host: Host;
let marker: string;
/** Directory of hostile files. Each creates the marker when it is executed, loaded or imported. */
let trap: string;
let peace: Run;

beforeAll(async () => {
  host = new Host();
  marker = join(host.dir, "marker");
  trap = host.emptyDirectory("trap");
  layTrap();
  peace = await host.run();
});
afterEach(() => {
  for (const path of [marker, join(trap, "written")]) rmSync(path, { force: true });
});
afterAll(() => host[Symbol.dispose]());

if (!isRoot) console.warn("hostile.test.ts: not root, so that the binary stops before it loads its library");

function layTrap(): void {
  const put = (path: string, content: string) => {
    mkdirSync(dirname(join(trap, path)), { recursive: true });
    writeFileSync(join(trap, path), content);
  };
  const code = `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "run");\n`;
  put("evil.js", code);
  const bunfig = `preload = ["${trap}/evil.js"]\n[run]\npreload = ["${trap}/evil.js"]\n[define]\n"process.env.MINE_ASSUME_KERNEL" = "'garbage'"\n`;
  for (const name of ["bunfig.toml", ".bunfig.toml"]) put(name, bunfig);
  for (const name of [".env", ".env.local", ".env.production", ".env.development"]) {
    put(
      name,
      `LIBBPF_KERN_VERSION=garbage\nMINE_ASSUME_KERNEL=garbage\nBUN_OPTIONS=--preload=${trap}/evil.js\n`,
    );
  }
  put(
    "package.json",
    JSON.stringify({ name: "mine", type: "commonjs", main: "evil.js", imports: { "#*": "./evil.js" } }),
  );
  put(
    "tsconfig.json",
    JSON.stringify({ compilerOptions: { paths: { "*": ["./evil.js"] }, jsxImportSource: "evil" } }),
  );
  for (const name of ["citty", "consola", "bun", "evil"]) put(`node_modules/${name}/index.js`, code);
  put("main.ts", code);
  put("src/main.ts", code);
  for (const command of ["modprobe", "ipset", "bun", "node"]) {
    put(command, `#!/bin/sh\n: >${marker}\n`);
    chmodSync(join(trap, command), 0o755);
  }
  const library = compileC(
    trap,
    `#include <fcntl.h>
     __attribute__((constructor)) static void run(void) { open("${marker}", O_CREAT, 0600); }`,
    ["-shared", "-fPIC"],
  );
  for (const name of ["libc.so.6", "libbpf.so", "libbpf.so.1", "libelf.so.1"])
    cpSync(library, join(trap, name));
}

/** Runs mine with these options. Expects no marker, and the result of a clean run. */
async function expectPeace(options: { cwd?: string; env?: Record<string, string>; through?: string[] }) {
  const run = await host.run([], options);
  expect(existsSync(marker)).toBe(false);
  expect(existsSync(join(trap, "written"))).toBe(false);
  // Other programs of this host may use ipset during the test.
  const withoutEvents = ({ stdout, stderr, ...rest }: Run) => ({
    ...rest,
    stdout: stdout.replace(/^\(\d{4}\/.*\n/gm, ""),
    stderr: stderr.split("\n").filter((line) => readSummaries(line).length === 0),
  });
  expect(withoutEvents(run)).toEqual(withoutEvents(peace));
}

test("the hostile directory works: Bun itself creates the marker", () => {
  const { success } = Bun.spawnSync([process.execPath, "run", "main.ts"], { cwd: trap });
  expect(success).toBe(true);
  expect(existsSync(marker)).toBe(true);
});

describe("mine ignores a hostile directory", () => {
  test("as the working directory", async () => {
    await expectPeace({ cwd: trap });
  });

  test("above the working directory", async () => {
    mkdirSync(join(trap, "below/here"), { recursive: true });
    await expectPeace({ cwd: join(trap, "below/here") });
  });

  test("as the directory of the binary", async () => {
    const cwd = host.emptyDirectory("copy");
    cpSync(trap, cwd, { recursive: true });
    linkSync(join(host.directoryWithBinary(), "mine"), join(cwd, "mine"));
    await expectPeace({ cwd });
    await expectPeace({ cwd: "/", through: [join(cwd, "mine")] });
  });

  test("as the working directory, with a link to the binary", async () => {
    const cwd = host.emptyDirectory("links");
    cpSync(trap, cwd, { recursive: true });
    symlinkSync(join(host.directoryWithBinary(), "mine"), join(cwd, "bun-link"));
    await expectPeace({ cwd, through: ["./bun-link"] });
  });

  test("as HOME, and in the XDG variables", async () => {
    const names = [
      "HOME",
      "XDG_CONFIG_HOME",
      "XDG_CACHE_HOME",
      "XDG_DATA_HOME",
      "XDG_RUNTIME_DIR",
      "BUN_INSTALL",
    ];
    await expectPeace({ env: Object.fromEntries(names.map((name) => [name, trap])) });
  });

  test("as the temporary directory", async () => {
    const before = readdirSync(trap).sort();
    await expectPeace({ env: { TMPDIR: trap, TMP: trap, TEMP: trap, BUN_TMPDIR: trap } });
    expect(readdirSync(trap).sort()).toEqual(before);
  });
});

describe("mine ignores an environment variable", () => {
  test.each([
    ["NODE_OPTIONS", () => `--require=${trap}/evil.js`],
    ["NODE_PATH", () => join(trap, "node_modules")],
    ["NODE_ENV", () => "production"],
    ["NODE_REPL_EXTERNAL_MODULE", () => join(trap, "evil.js")],
    ["NODE_COMPILE_CACHE", () => join(trap, "written")],
    ["NODE_EXTRA_CA_CERTS", () => join(trap, "evil.js")],
    ["NODE_V8_COVERAGE", () => join(trap, "written")],
    ["BUN_CONFIG_PRELOAD", () => join(trap, "evil.js")],
    ["BUN_CONFIG", () => join(trap, "bunfig.toml")],
    ["BUN_INSPECT_NOTIFY", () => `unix://${trap}/written`],
    ["BUN_INSPECT_CONNECT_TO", () => `unix://${trap}/written`],
    ["BUN_INSPECT_PRELOAD", () => join(trap, "evil.js")],
    ["BUN_RUNTIME_TRANSPILER_CACHE_PATH", () => join(trap, "written")],
    ["BUN_TRACE", () => join(trap, "written")],
    ["LIBBPF_BPF_TOKEN_PATH", () => trap],
    ["CONSOLA_LEVEL", () => "0"],
    ["DEBUG", () => "1"],
    ["CI", () => "1"],
    ["TEST", () => "1"],
  ])("%s", async (name, value) => {
    await expectPeace({ env: { [name]: value() } });
  });

  // Bun obeys these variables, and has no build option to ignore them: scripts/seal-binary.ts disables them.
  describe("that Bun obeys", () => {
    test.each([
      ["BUN_OPTIONS", () => `--preload=${trap}/evil.js`],
      ["BUN_BE_BUN", () => "1"],
      ["BUN_INSPECT", () => `ws+unix://${trap}/written?break=1`],
      ["BUN_BYTECODE_ORDER_OUT", () => join(trap, "written")],
      ["BUN_BYTECODE_DIGEST_OUT", () => join(trap, "written")],
    ])("%s", async (name, value) => {
      await expectPeace({ env: { [name]: value() }, through: ["timeout", "20", "./mine"] });
    });
  });
});
