// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The output of `mine --generate`, in the programs that use it: man, bash, zsh and fish.
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
    const file = join(dir, kind === "complete-zsh" ? "_mine" : kind); // zsh takes the name of the function from it
    writeFileSync(file, stdout);
    files[kind] = file;
  }
});
afterAll(() => host[Symbol.dispose]());

/** Runs a program in an environment of its own. @returns what it prints, and it has no complaint. */
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

  test("is shown by man without a warning, and has every option", async () => {
    const shown = output(["man", "--warnings", "-l", "-"], await page());
    expect(optionsIn(shown)).toEqual(everyOption.either);
    for (const title of ["NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "EXIT STATUS", "EXAMPLES"]) {
      expect(shown).toMatch(new RegExp(`^${title}$`, "m"));
    }
    expect(shown).toMatch(/^MINE\(8\) .* MINE\(8\)$/m);
  });

  test("groff and mandoc have nothing to say against it", async () => {
    output(["groff", "-man", "-ww", "-Tutf8"], await page());
    expect(output(["mandoc", "-Tlint", "-Wstyle"], await page())).toBe("");
  });

  test("has the name for whatis", async () => {
    expect(output(["lexgrog", files.man ?? ""])).toContain('"mine - audit ipset commands"');
  });
});

/** Lines to complete, and the expected offers for their last word. */
const lines: [line: string, offers: string[]][] = [
  ["mine -", everyOption.either],
  ["mine doctor -", everyOption.doctor],
  ["mine trace -", everyOption.trace],
  ["mine -v trace --o", ["--output"]],
  ["mine doc", ["doctor"]],
  ["mine -o json tr", ["trace"]],
  ["mine -o ", ["json", "text"]],
  ["mine --output j", ["json"]],
  ["mine --output=", ["json", "text"]],
  ["mine --backend ", ["auto", "fexit", "kprobe", "tracepoint"]],
  ["mine --generate c", ["complete-bash", "complete-fish", "complete-zsh"]],
  ["mine --command create,de", ["del", "destroy"]],
  ["mine --btf ./file-", ["file-one", "file-two"]],
  ["mine --set ", []],
];

beforeAll(() => {
  for (const name of ["file-one", "file-two"]) writeFileSync(join(dir, name), "");
});

/** Shells differ in how much of the word an offer repeats: the option, the list so far, the directory. */
const lastPart = (offer: string): string => offer.replace(/^.*[=,/]/, "");
const offered = (text: string): string[] =>
  [...new Set(text.split("\n").filter(Boolean).map(lastPart))].sort();

describe("bash", () => {
  test("shellcheck has nothing to say against the file", () => {
    expect(output(["shellcheck", "--shell=bash", files["complete-bash"] ?? ""])).toBe("");
  });

  test("completes mine by its function", () => {
    const script = `source ${files["complete-bash"]}; complete -p mine`;
    expect(output(["bash", "--norc", "-c", script])).toBe("complete -F _mine mine\n");
  });

  test.each(lines)("%j", (line, offers) => {
    // Readline splits at COMP_WORDBREAKS, where = is.
    const words = line.match(/=|[^\s=]+| $/g)?.map((word) => word.trim()) ?? [];
    if (line.endsWith("=")) words.push("");
    const script = `
      compopt() { :; }  # is for a real completion alone
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
