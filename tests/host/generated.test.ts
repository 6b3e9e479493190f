// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Checks the output of `mine --generate` with the programs that read it: man, bash, zsh and fish.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { everyOption, optionsIn } from "../support/every-option.ts";
import { Host } from "../support/host.ts";

const kinds = ["man", "complete-bash", "complete-zsh", "complete-fish"] as const;
const fixtures = join(import.meta.dir, "../fixtures");

let host: Host;
let dir: string;
const files: Partial<Record<(typeof kinds)[number], string>> = {};
beforeAll(async () => {
  host = new Host();
  dir = host.emptyDirectory("generated");
  for (const kind of kinds) {
    const { exitCode, stdout, stderr } = await host.run(["--generate", kind]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const file = join(dir, kind === "complete-zsh" ? "_mine" : kind); // zsh derives the function's name from it
    writeFileSync(file, stdout);
    files[kind] = file;
  }
});
afterAll(() => host[Symbol.dispose]());

/** Runs a program in a clean environment. Expects no error and an empty stderr. @returns its stdout. */
function output(command: string[], input = ""): string {
  const home = join(dir, "home");
  mkdirSync(home, { recursive: true });
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    cwd: dir,
    env: { PATH: "/usr/bin:/bin", HOME: home, LC_ALL: "C.UTF-8", MANWIDTH: "100", TERM: "xterm" },
    stdin: Buffer.from(input),
  });
  expect({ command: command[0], exitCode, stderr: stderr.toString() }).toEqual({
    command: command[0],
    exitCode: 0,
    stderr: "",
  });
  return stdout.toString();
}

describe("the man page", () => {
  const page = () => Bun.file(files.man ?? "").text();

  test("has no warning from man, and lists every option", async () => {
    const shown = output(["man", "--warnings", "-l", "-"], await page());
    expect(optionsIn(shown)).toEqual(everyOption.any);
    for (const title of ["NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "EXIT STATUS", "EXAMPLES"]) {
      expect(shown).toMatch(new RegExp(`^${title}$`, "m"));
    }
    expect(shown).toMatch(/^MINE\(8\) .* MINE\(8\)$/m);
  });

  test("has no warning from groff and mandoc", async () => {
    output(["groff", "-man", "-ww", "-Tutf8"], await page());
    expect(output(["mandoc", "-Tlint", "-Wstyle"], await page())).toBe("");
  });

  test("has a description for whatis", async () => {
    expect(output(["lexgrog", files.man ?? ""])).toContain('"mine - audit ipset commands"');
  });
});

/** Command lines, and the expected completions of their last word. */
const lines: [line: string, offers: string[]][] = [
  ["mine -", everyOption.any],
  ["mine doctor -", everyOption.doctor],
  ["mine btf -", everyOption.btf],
  ["mine trace -", everyOption.trace],
  ["mine -v trace --o", ["--output"]],
  ["mine doc", ["doctor"]],
  ["mine -o json tr", ["trace"]],
  ["mine -o ", ["journald", "json", "syslog", "text"]],
  ["mine --output j", ["journald", "json"]],
  ["mine --output=", ["journald", "json", "syslog", "text"]],
  ["mine --backend ", ["auto", "fexit", "kprobe", "tracepoint"]],
  ["mine --generate c", ["complete-bash", "complete-fish", "complete-zsh"]],
  ["mine --command create,de", ["del", "destroy"]],
  ["mine --btf ./file-", ["file-one", "file-two"]],
  ["mine btf -o ./file-", ["file-one", "file-two"]],
  ["mine --set ", []],
];

beforeAll(() => {
  for (const name of ["file-one", "file-two"]) writeFileSync(join(dir, name), "");
});

/** Returns the last part of a completion. Shells differ in the prefix they repeat: option, list or directory. */
const lastPart = (offer: string): string => offer.replace(/^.*[=,/]/, "");
const offered = (text: string): string[] =>
  [...new Set(text.split("\n").filter(Boolean).map(lastPart))].sort();

describe("bash", () => {
  test("the file has no warning from shellcheck", () => {
    expect(output(["shellcheck", "--shell=bash", files["complete-bash"] ?? ""])).toBe("");
  });

  test("completes mine with the function _mine", () => {
    const script = `source ${files["complete-bash"]}; complete -p mine`;
    expect(output(["bash", "--norc", "-c", script])).toBe("complete -F _mine mine\n");
  });

  test.each(lines)("%j", (line, offers) => {
    // Readline splits words at COMP_WORDBREAKS, which contains "=".
    const words = line.match(/=|[^\s=]+| $/g)?.map((word) => word.trim()) ?? [];
    if (line.endsWith("=")) words.push("");
    const script = `
      compopt() { :; }  # works only in a real completion
      source ${files["complete-bash"]}
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _mine
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    expect(offered(output(["bash", "--norc", "-c", script, "bash", ...words]))).toEqual(offers);
  });
});

describe("zsh", () => {
  test.each(lines)("%j", (line, offers) => {
    const shown = output(["zsh", "-f", join(fixtures, "complete.zsh"), dir, line]);
    expect(offered(shown)).toEqual(offers);
  });
});

describe("fish", () => {
  test.each(lines)("%j", (line, offers) => {
    const script = `source ${files["complete-fish"]}; complete --do-complete '${line}'`;
    const shown = output(["fish", "--no-config", "--command", script]);
    expect(offered(shown.replaceAll(/\t.*/g, ""))).toEqual(offers);
  });
});
