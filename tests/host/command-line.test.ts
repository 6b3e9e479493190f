// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks how the compiled binary handles a command line: its output, its errors and its exit code.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import packageJson from "../../package.json" with { type: "json" };
import { parseCommandLine } from "../../src/cli/parse.ts";
import { EXIT_DONE, EXIT_FAILED, EXIT_UNSUPPORTED, EXIT_USAGE } from "../../src/errors.ts";
import { BUFFER } from "../../src/trace/buffer-size.ts";
import { everyOption, optionsIn } from "../support/every-option.ts";
import { Host, type RunOptions } from "../support/host.ts";
import { readError } from "../support/stderr.ts";

let host: Host;
beforeAll(() => {
  host = new Host();
});
afterAll(() => host[Symbol.dispose]());

const shell = (line: string): RunOptions => ({ through: ["bash", "-c", line] });

describe("help", () => {
  test.each<[args: string[], options: string[]]>([
    [["-h"], everyOption.any],
    [["--help"], everyOption.any],
    [["--all", "--help"], everyOption.any],
    [["trace", "-h"], everyOption.trace],
    [["--help", "trace"], everyOption.trace],
    [["doctor", "-h"], everyOption.doctor],
    [["doctor", "--help"], everyOption.doctor],
  ])("%j lists every option, once", async (args, options) => {
    const { exitCode, stdout, stderr } = await host.run(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(optionsIn(stdout)).toEqual(options);
    for (const word of ["trace", "doctor", "LIBBPF_KERN_VERSION", "MINE_ASSUME_KERNEL", "NO_COLOR"]) {
      expect(stdout).toMatch(new RegExp(`^  ${word}(?: |$)`, "m"));
    }
  });

  test.each([["-h"], ["--help"]])("%s has no line of more than 80 characters", async (option) => {
    const { stdout } = await host.run([option]);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("-h fits on a screen of 60 lines, and names --help", async () => {
    const [short, long] = [(await host.run(["-h"])).stdout, (await host.run(["--help"])).stdout];
    expect(short.split("\n").length).toBeLessThan(60);
    expect(long.length).toBeGreaterThan(2 * short.length);
    expect(short).toContain("'mine --help'");
  });

  test("--help has the default buffer size, the exit codes, and valid examples", async () => {
    const { stdout } = await host.run(["--help"]);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(`The default is ${BUFFER.default / 1024 ** 2}M.`);
    for (const code of [EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_UNSUPPORTED]) {
      expect(stdout).toMatch(new RegExp(`^  ${code}$`, "m"));
    }
    const [, list = ""] = stdout.split("\nExamples:\n");
    const examples = [...list.matchAll(/^ {2}mine( [^|>\n]*)?/gm)].map(
      ([, args = ""]) => args.match(/\S+/g) ?? [],
    );
    expect(examples.length).toBeGreaterThan(3);
    for (const args of examples) parseCommandLine(args);
  });

  test.each([{}, { FORCE_COLOR: "1" }, { TERM: "xterm-256color", COLORTERM: "truecolor" }])(
    "--help has no escape sequences in a pipe, with %j",
    async (env: Record<string, string>) => {
      const { stdout } = await host.run(["--help"], { env });
      expect(stdout).toMatch(/^[\x20-\x7e\n]+$/);
      expect(stdout.endsWith("\n")).toBe(true);
    },
  );
});

test("--version prints only the version", async () => {
  expect(await host.run(["--version"])).toEqual({
    exitCode: 0,
    stdout: `${packageJson.version}\n`,
    stderr: "",
  });
});

describe("bad usage ends with exit code 2, an error that names the argument, and a hint", () => {
  const cases: [args: string[], named: string[], env: Record<string, string>][] = [
    [["--bogus"], ["'--bogus'"], {}],
    [["-x"], ["'-x'"], {}],
    [["--outptu", "json"], ["'--outptu'", "'--output'"], {}],
    [["--help", "--bogus"], ["'--bogus'"], {}],
    [["--btf"], ["'--btf'"], {}],
    [["--btf="], ["--btf"], {}],
    [["--all=yes"], ["'--all'"], {}],
    [["--no-all"], ["'--no-all'"], {}],
    [["stray"], ["'stray'"], {}],
    [["-v", "trce"], ["'trce'", "'trace'"], {}],
    [["trace", "stray"], ["'stray'"], {}],
    [["trace", "-v", "trace"], ["'trace'"], {}],
    [["--", "stray"], ["'stray'"], {}],
    [["line\nend \x1b[1m \u202e"], ["'line\\u{a}end \\u{1b}[1m \\u{202e}'"], {}],
    [[""], ["''"], {}],
    [["-o", "xml"], ["'xml'"], {}],
    [["--output="], ["''"], {}],
    [["--command", "creat"], ["'creat'"], {}],
    [["--uid", "root"], ["'root'"], {}],
    [["--pid", "0"], ["'0'"], {}],
    [["--count=-1"], ["'-1'"], {}],
    [["--duration", "1.5"], ["'1.5'"], {}],
    [["--failed=yes"], ["'--failed'"], {}],
    ...["LIBBPF_KERN_VERSION", "MINE_ASSUME_KERNEL"].flatMap((name) =>
      ["garbage", "v4.15", "-1.2", "4", "\n4.15"].map(
        (value): [string[], string[], Record<string, string>] => [
          [],
          [name, JSON.stringify(value)],
          { [name]: value },
        ],
      ),
    ),
  ];
  test.each(cases)("%j: %j", async (args, named, env) => {
    const { exitCode, stdout, stderr } = await host.run(args, { env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    const { reason, message } = readError(stderr);
    expect(reason).toBe("usage");
    for (const value of named) expect(message).toContain(value);
  });
});

describe("standard streams", () => {
  test.each(["--help", "--version"])("%s into a closed pipe ends without an error", async (option) => {
    // The reader exits before the binary starts.
    const line = `trap '' PIPE; exec {out}> >(:); wait $!; ./mine ${option} >&$out`;
    expect(await host.run([], shell(line))).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test("reports a full disk as an error of stdout", async () => {
    const { exitCode, stderr } = await host.run([], shell("./mine --help >/dev/full"));
    expect(readError(stderr)).toMatchObject({ reason: "stdout", message: expect.stringContaining("ENOSPC") });
    expect(exitCode).toBe(1);
  });

  test.each([
    ["no stdin", "<&-", 0],
    ["no stdout", ">&-", 0],
    ["no stderr", "2>&-", 0],
    ["none of the three", "<&- >&- 2>&-", 0],
  ])("works with %s", async (_, redirection, exitCode) => {
    expect((await host.run([], shell(`./mine --version ${redirection}`))).exitCode).toBe(exitCode);
    expect((await host.run([], shell(`./mine --bogus ${redirection}`))).exitCode).toBe(2);
  });

  test("writes no error to a file that took the descriptor of a closed stderr", async () => {
    const { stdout } = await host.run([], shell("./mine --bogus 2>&-"));
    expect(stdout).toBe("");
  });
});
