// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The configuration file: its options are those of the command line, and an error has its line.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/cli/config.ts";
import { parseCommandLine } from "../../src/cli/parse.ts";
import { EXIT_USAGE, MineError } from "../../src/errors.ts";

let dir: string;
let path: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "config-file-test-"));
  path = join(dir, "mine.conf");
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const typed = (...args: string[]) => ({ ...readConfig(parseCommandLine(args).values), filter: undefined });
function withFile(text: string, ...args: string[]) {
  writeFileSync(path, text);
  return typed("--config", path, ...args);
}

function complaint(text: string, ...args: string[]): string {
  try {
    withFile(text, ...args);
  } catch (error) {
    if (!(error instanceof MineError)) throw error;
    expect([error.reason, error.exitCode]).toEqual(["usage", EXIT_USAGE]);
    return error.message;
  }
  throw new Error(`${text} was accepted`);
}

test("an option means the same as on the command line", () => {
  const text = `# a comment
output = json:/a
  output=text:/b = c # no comment

utc
rotate\t=  2G\t
keep = 7
metrics = unix:/run/mine.sock
`;
  const same = ["-o", "json:/a", "-o", "text:/b = c # no comment", "--utc", "--rotate", "2G", "--keep", "7"];
  expect(withFile(text)).toEqual(typed(...same, "--metrics", "unix:/run/mine.sock"));
  expect(withFile("")).toEqual(typed());
  expect(withFile("utc\r\ncount = 3\r\n")).toEqual(typed("--utc", "--count", "3"));
});

test("an option of the command line replaces that of the file", () => {
  const text = "output = json:/a\noutput = journald\ncount = 3\nutc";
  expect(withFile(text, "-o", "text", "--count", "4")).toEqual(typed("-o", "text", "--count", "4", "--utc"));
});

test.each([
  ["outptu = json", 1, "unknown option '--outptu'; did you mean '--output'?"],
  ["\n# x\nutc = yes", 3, "option '--utc' takes no value"],
  ["utc\nrotate", 2, "option '--rotate' needs a value: --rotate SIZE"],
  ["uid = root", 1, "--uid: 'root' is not a whole number from 0 to 4294967294"],
  ["rotate = 5K", 1, "--rotate: '5K' is not a size from 1M to 1024G"],
  ["output = wide", 1, "--output: 'wide' is none of text, json, journald, syslog"],
  ["json", 1, "option '--json' is for 'mine doctor' only"],
  ["config = /etc/mine.conf", 1, "'config' is for the command line only"],
  ["version", 1, "'version' is for the command line only"],
  ["-o json", 1, "'-o json' is neither 'option = value' nor 'option'"],
  ["utc utc", 1, "'utc utc' is neither 'option = value' nor 'option'"],
])("%j is an error in line %d", (text, line, message) => {
  expect(complaint(text)).toBe(`${path}:${line}: ${message}`);
});

test("options that do not go together are an error of the whole", () => {
  expect(complaint("rotate = 1M")).toBe("--rotate needs an output with a file: -o json:FILE");
  expect(withFile("rotate = 1M", "-o", "json:/a").rotation?.maxBytes).toBe(1024 ** 2);
});

test("a missing file is an error", () => {
  rmSync(path, { force: true });
  try {
    typed("--config", path);
    throw new Error("no error");
  } catch (error) {
    if (!(error instanceof MineError)) throw error;
    expect(error.reason).toBe("usage");
    expect(error.message).toContain(path);
    expect(error.message).toContain("ENOENT");
  }
});
