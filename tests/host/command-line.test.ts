// The compiled binary alone: what it says to a command line, where it says it, and how it ends.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import packageJson from "../../package.json" with { type: "json" };
import { commonArgs, traceArgs } from "../../src/cli/options.ts";
import { commands } from "../../src/netlink/ipset-message.ts";
import { Host, type RunOptions } from "../support/host.ts";

let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(() => host[Symbol.dispose]());

const USAGE_HINT = "      Run 'mine --help' to see the options.\n";
const shell = (line: string): RunOptions => ({ through: ["bash", "-c", line] });

describe("--help", () => {
  test.each([[["--help"]], [["-h"]], [["trace", "--help"]], [["--all", "--help"]]])(
    "%j lists every option on stdout",
    async (args) => {
      const { exitCode, stdout, stderr } = await host.run(args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      for (const [name, definition] of Object.entries({ ...traceArgs, ...commonArgs })) {
        expect(stdout).toContain(`--${name}`);
        expect(stdout).toContain(definition.description);
        if ("alias" in definition) expect(stdout).toContain(`-${definition.alias}, `);
      }
      for (const name of ["LIBBPF_KERN_VERSION", "MINE_ASSUME_KERNEL"]) expect(stdout).toContain(name);
    },
  );

  test.each([{}, { FORCE_COLOR: "1" }, { TERM: "xterm-256color", COLORTERM: "truecolor" }])(
    "has no escape sequences in a pipe, with %j",
    async (env: Record<string, string>) => {
      const { stdout } = await host.run(["--help"], { env });
      expect(stdout).toMatch(/^[\x20-\x7e\n]+$/);
      expect(stdout.endsWith("\n")).toBe(true);
    },
  );
});

test("--version prints the version, and nothing else", async () => {
  expect(await host.run(["--version"])).toEqual({
    exitCode: 0,
    stdout: `${packageJson.version}\n`,
    stderr: "",
  });
});

describe("bad usage ends with 2, a complaint that names it and a hint", () => {
  const cases: [args: string[], complaint: string, env: Record<string, string>][] = [
    [["--bogus"], "Unknown option '--bogus'", {}],
    [["-x"], "Unknown option '-x'", {}],
    [["--help", "--bogus"], "Unknown option '--bogus'", {}],
    [["--btf"], "Option '--btf <value>' argument missing", {}],
    [["--btf="], "--btf needs the path of a file", {}],
    [["--all=yes"], "Option '--all' does not take an argument", {}],
    [["--no-all"], "Unknown option '--no-all'", {}],
    [["stray"], "unexpected argument 'stray'", {}],
    [["trace", "stray"], "unexpected argument 'stray'", {}],
    [["trace", "trace"], "unexpected argument 'trace'", {}],
    [["--all", "trace"], "'trace' must come before the options", {}],
    [["--", "stray"], "unexpected argument 'stray'", {}],
    [["line\nend \x1b[1m \u202e"], "unexpected argument 'line\\u{a}end \\u{1b}[1m \\u{202e}'", {}],
    [[""], "unexpected argument ''", {}],
    [["-o", "xml"], "--output: 'xml' is none of text, json", {}],
    [["--output="], "--output: '' is none of text, json", {}],
    [["--command", "creat"], `--command: 'creat' is none of ${commands.join(", ").toLowerCase()}`, {}],
    [["--uid", "root"], "--uid: 'root' is not a whole number from 0 to 4294967294", {}],
    [["--pid", "0"], "--pid: '0' is not a whole number from 1 to 4294967295", {}],
    [["--count=-1"], "--count: '-1' is not a whole number from 1 to 9007199254740991", {}],
    [["--duration", "1.5"], "--duration: '1.5' is not a whole number from 1 to 4294967295", {}],
    [["--failed=yes"], "Option '--failed' does not take an argument", {}],
    ...["LIBBPF_KERN_VERSION", "MINE_ASSUME_KERNEL"].flatMap((name) =>
      ["garbage", "v4.15", "-1.2", "4", "\n4.15"].map((value): [string[], string, Record<string, string>] => [
        [],
        `${name}=${JSON.stringify(value)} is not a kernel version such as 4.15.18`,
        { [name]: value },
      ]),
    ),
  ];
  test.each(cases)("%j %s", async (args, complaint, env) => {
    expect(await host.run(args, { env })).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `mine: ${complaint}\n${USAGE_HINT}`,
    });
  });
});

describe("standard streams", () => {
  test.each(["--help", "--version"])("%s into a pipe that is closed ends quietly", async (option) => {
    // The reader is gone before the binary starts.
    const line = `trap '' PIPE; exec {out}> >(:); wait $!; ./mine ${option} >&$out`;
    expect(await host.run([], shell(line))).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test("a full disk is told, not a bug", async () => {
    const { exitCode, stderr } = await host.run([], shell("./mine --help >/dev/full"));
    expect(stderr).toMatch(/^mine: cannot write to stdout: .*ENOSPC.*\n {6}\S.*\n$/);
    expect(exitCode).toBe(1);
  });

  test.each([
    ["no stdin", "<&-", 0],
    ["no stdout", ">&-", 0],
    ["no stderr", "2>&-", 0],
    ["none of the three", "<&- >&- 2>&-", 0],
  ])("with %s", async (_, redirection, exitCode) => {
    expect((await host.run([], shell(`./mine --version ${redirection}`))).exitCode).toBe(exitCode);
    expect((await host.run([], shell(`./mine --bogus ${redirection}`))).exitCode).toBe(2);
  });

  test("a complaint does not go to the file that was opened in place of a closed stderr", async () => {
    const { stdout } = await host.run([], shell("./mine --bogus 2>&-"));
    expect(stdout).toBe("");
  });
});
