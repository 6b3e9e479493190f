// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The Config of a command line, through the same parser as a run: valid and invalid values, and the limits.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readConfig } from "../../src/cli/config.ts";
import { parseCommandLine } from "../../src/cli/parse.ts";
import { variables } from "../../src/cli/variables.ts";
import { EXIT_USAGE, MineError } from "../../src/errors.ts";
import { type Command, commands } from "../../src/ipset/message.ts";
import type { Config } from "../../src/trace/config.ts";

const typed = (...args: string[]): Config => readConfig(parseCommandLine(args).values);

/** Returns the message that refuses a command line. */
function complaint(...rawArgs: string[]): string {
  try {
    typed(...rawArgs);
  } catch (error) {
    if (!(error instanceof MineError)) throw error;
    expect([error.reason, error.exitCode]).toEqual(["usage", EXIT_USAGE]);
    return error.message;
  }
  throw new Error(`${rawArgs.join(" ")} was accepted`);
}

const environment = { ...process.env };
beforeEach(() => {
  delete process.env[variables.noColor.name];
  process.env[variables.term.name] = "xterm";
});
afterEach(() => {
  for (const { name } of Object.values(variables)) {
    if (environment[name] === undefined) delete process.env[name];
    else process.env[name] = environment[name];
  }
});

const handshake: readonly Command[] = ["PROTOCOL", "HEADER", "TYPE", "GET_BYNAME", "GET_BYINDEX"];
const others = commands.filter((command) => !handshake.includes(command));

test("default: every command except the handshake, as text, without a limit", () => {
  expect(typed()).toEqual({
    verbose: false,
    btf: undefined,
    backend: undefined,
    outputs: [{ format: "text", path: undefined }],
    isDetailed: false,
    rotation: undefined,
    snapshot: false,
    ancestry: false,
    time: { form: "minute", isUtc: false },
    color: true,
    service: { socket: undefined, watchdogMs: Number.POSITIVE_INFINITY },
    metrics: undefined,
    bufferBytes: undefined,
    filter: {
      commands: new Set(others),
      denied: new Set(commands),
      set: undefined,
      uid: undefined,
      pid: undefined,
      comm: undefined,
      failed: false,
    },
    limits: { events: Number.POSITIVE_INFINITY, seconds: Number.POSITIVE_INFINITY },
    kernVersion: undefined,
    assumeKernel: undefined,
  });
});

test("reads every option and variable together", () => {
  process.env[variables.kernVersion.name] = "4.15.18";
  process.env[variables.assumeKernel.name] = "5.7";
  process.env[variables.notifySocket.name] = "/run/systemd/notify";
  process.env[variables.watchdogTime.name] = "30000000";
  process.env[variables.watchdogPid.name] = String(process.pid);
  const given =
    "-v --btf /b --backend kprobe -o json:/a -o text --rotate 50M --keep 3 --time relative --utc --ancestry --snapshot --metrics 9095 --all --command add --set a* --uid 0 --pid 1 --comm c --failed --buffer 1M --count 2 --duration 3";
  const config = typed(...given.split(" "));
  expect(config).toEqual({
    verbose: true,
    btf: "/b",
    backend: "kprobe",
    outputs: [
      { format: "json", path: "/a" },
      { format: "text", path: undefined },
    ],
    isDetailed: true,
    rotation: { maxBytes: 50 * 1024 * 1024, keep: 3 },
    snapshot: true,
    ancestry: true,
    time: { form: "relative", isUtc: true },
    color: true,
    service: { socket: "/run/systemd/notify", watchdogMs: 30_000 },
    metrics: { hostname: "127.0.0.1", port: 9095 },
    bufferBytes: 1048576,
    filter: {
      commands: new Set<Command>(["ADD"]),
      denied: new Set<Command>(["ADD"]),
      set: expect.any(Function),
      uid: 0,
      pid: 1,
      comm: "c",
      failed: true,
    },
    limits: { events: 2, seconds: 3 },
    kernVersion: [4, 15, 18],
    assumeKernel: [5, 7, 0],
  });
  expect(["a", "ab", "ba"].map((name) => config.filter.set?.(name))).toEqual([true, true, false]);
});

describe("the service manager", () => {
  test.each(["/run/systemd/notify", "@notify"])("can have the socket %s", (socket) => {
    process.env[variables.notifySocket.name] = socket;
    expect(typed().service.socket).toBe(socket);
  });

  test.each(["notify", "@", "./notify", `/${"a".repeat(107)}`])("cannot have the socket %j", (socket) => {
    process.env[variables.notifySocket.name] = socket;
    expect(complaint()).toContain(`NOTIFY_SOCKET="${socket}"`);
  });

  test.each(["0", "1s", "-1", "1.5"])("cannot have the watchdog time %j", (time) => {
    process.env[variables.watchdogTime.name] = time;
    expect(complaint()).toContain(`WATCHDOG_USEC="${time}"`);
  });

  test("can have a watchdog for another process", () => {
    process.env[variables.watchdogTime.name] = "30000000";
    process.env[variables.watchdogPid.name] = String(process.pid + 1);
    expect(typed().service.watchdogMs).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("--metrics", () => {
  test.each<[string, Config["metrics"]]>([
    ["1", { hostname: "127.0.0.1", port: 1 }],
    ["0.0.0.0:65535", { hostname: "0.0.0.0", port: 65535 }],
    ["[::1]:9095", { hostname: "::1", port: 9095 }],
    ["unix:/run/mine.sock", { unix: "/run/mine.sock" }],
    ["file:/run/mine.prom", { file: "/run/mine.prom" }],
  ])("takes %s", (given, address) => {
    expect(typed("--metrics", given).metrics).toEqual(address);
  });

  test.each([
    ...["", "0", "65536", "localhost:9095", "1.2.3:9095", "::1:9095", "[1.2.3.4]:9095", "[::1]"],
    ...["unix:mine.sock", "unix:", `unix:/${"a".repeat(107)}`, "file:x", "file:", "127.0.0.1:"],
  ])("refuses %j", (given) => {
    expect(complaint(`--metrics=${given}`)).toContain("--metrics");
  });
});

describe("commands", () => {
  test("--all adds the handshake", () => {
    expect(typed("--all").filter.commands).toEqual(new Set(commands));
    expect(typed("--all").filter.denied).toEqual(new Set(commands));
  });

  test.each<[list: string, expected: Command[]]>([
    ["create", ["CREATE"]],
    ["CREATE", ["CREATE"]],
    ["Create,aDD", ["CREATE", "ADD"]],
    [" create , add ", ["CREATE", "ADD"]],
    ["add,add", ["ADD"]],
    ["get_byname,protocol", ["GET_BYNAME", "PROTOCOL"]],
    [commands.join(","), [...commands]],
  ])("--command accepts %j", (list, expected) => {
    for (const all of [[], ["--all"]]) {
      const { filter } = typed(`--command=${list}`, ...all);
      expect(filter.commands).toEqual(new Set(expected));
      expect(filter.denied).toEqual(new Set(expected));
    }
  });

  test.each([
    ["", ""],
    ["add,", ""],
    [",", ""],
    ["add,remove", "remove"],
    ["*", "*"],
    ["9", "9"],
    ["get-byname", "get-byname"],
    ["add create", "add create"],
    ["constructor", "constructor"],
  ])("--command refuses %j", (list, unknown) => {
    const known =
      "none, protocol, create, destroy, flush, rename, swap, list, save, add, del, test, header, type, get_byname, get_byindex";
    for (const value of ["--command", `'${unknown}'`, known])
      expect(complaint(`--command=${list}`)).toContain(value);
  });
});

describe("numbers", () => {
  const read: Record<string, (config: Config) => number | undefined> = {
    uid: ({ filter }) => filter.uid,
    pid: ({ filter }) => filter.pid,
    count: ({ limits }) => limits.events,
    duration: ({ limits }) => limits.seconds,
  };
  const limits: [option: string, least: number, most: number][] = [
    ["uid", 0, 4294967294],
    ["pid", 1, 4294967295],
    ["count", 1, 9007199254740991],
    ["duration", 1, 4294967295],
  ];

  test.each(limits)("--%s accepts integers from %d to %d", (option, least, most) => {
    for (const value of [least, least + 1, most]) {
      expect(read[option]?.(typed(`--${option}`, String(value)))).toBe(value);
    }
    expect(read[option]?.(typed(`--${option}`, `00${least}`))).toBe(least);
    expect(read[option]?.(typed(`--${option}=7`, `--${option}=8`))).toBe(8);
    const bad = [
      "",
      " ",
      "x",
      "1x",
      "1.5",
      "1e3",
      "0x10",
      "+1",
      " 1",
      "1 ",
      "1\n",
      "١",
      "NaN",
      "Infinity",
      "-1",
    ];
    for (const value of [...bad, String(least - 1), String(most + 1), "9".repeat(30)]) {
      const message = complaint(`--${option}=${value}`);
      for (const part of [`--${option}`, `'${value}'`, String(least), String(most)])
        expect(message).toContain(part);
    }
  });
});

test("--buffer accepts a power of two, in K or M", () => {
  const sizes = ["64K", "128K", "1024K", "1M", "16M", "1024M", "1048576K"];
  expect(sizes.map((size) => typed("--buffer", size).bufferBytes)).toEqual(
    [64, 128, 1024, 1024, 16384, 1048576, 1048576].map((kibibytes) => kibibytes * 1024),
  );
  for (const size of [
    "",
    "1",
    "65536",
    "32K",
    "2048M",
    "96K",
    "3M",
    "1.5M",
    "1k",
    "1 M",
    "-1M",
    "1MB",
    "0M",
    "9".repeat(40),
  ]) {
    for (const part of ["--buffer", `'${size}'`, "64K", "1024M"])
      expect(complaint(`--buffer=${size}`)).toContain(part);
  }
});

describe("text", () => {
  test("--comm keeps its text unchanged", () => {
    for (const comm of [
      "ipset",
      "",
      "*",
      "a b",
      "a\nb",
      "back\\slash",
      "--x",
      "fifteen-letters",
      "ü".repeat(7),
    ]) {
      expect(typed(`--comm=${comm}`).filter.comm).toBe(comm);
    }
  });

  test("--comm refuses more bytes than the kernel keeps", () => {
    for (const comm of ["sixteen-letters-", "ü".repeat(8)]) {
      for (const part of ["--comm", `'${comm}'`, "15"]) expect(complaint(`--comm=${comm}`)).toContain(part);
    }
  });

  test("--set accepts a pattern (glob.test.ts), and the empty pattern", () => {
    const matches = (pattern: string, name: string) => typed(`--set=${pattern}`).filter.set?.(name);
    expect([matches("", ""), matches("", "a")]).toEqual([true, false]);
    expect([matches("a.c", "abc"), matches("a?c", "a\nc"), matches("--*", "--x")]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("--btf accepts a path, and refuses an empty one", () => {
    expect(typed("--btf", "relative path").btf).toBe("relative path");
    expect(complaint("--btf=")).toContain("--btf");
  });

  const outputs = (...args: string[]) => typed(...args.flatMap((word) => ["-o", word])).outputs;

  test("--output accepts formats, with a file for text and json", () => {
    expect(outputs("text:/a", "json:b c", "syslog", "journald", "json")).toEqual([
      { format: "text", path: "/a" },
      { format: "json", path: join(process.cwd(), "b c") },
      { format: "syslog", path: undefined },
      { format: "journald", path: undefined },
      { format: "json", path: undefined },
    ]);
    for (const part of ["--output", "'JSON'", "text", "json"])
      expect(complaint("-o", "JSON")).toContain(part);
    expect(complaint("-o", "json:")).toContain("needs the path");
    expect(complaint("-o", "journald:/a")).toContain("journald has no file");
  });

  test.each([
    [["text", "json"], "stdout"],
    [["json:/a/b", "text:/a/../a/b"], "/a/b"],
    [["syslog", "syslog"], "syslog"],
  ])("two outputs cannot share a place: %j", (words, place) => {
    expect(complaint(...words.flatMap((word) => ["-o", word]))).toBe(
      `--output: two outputs write to ${place}`,
    );
  });

  test("--rotate accepts a size that every line fits into, and needs a file", () => {
    const file = ["-o", "json:/a"];
    const rotated = (...args: string[]) => typed(...file, ...args).rotation;
    expect(rotated("--rotate", "1M")).toEqual({ maxBytes: 1024 ** 2, keep: 10 });
    expect(rotated("--rotate", "1024G", "--keep", "1000")).toEqual({ maxBytes: 1024 ** 4, keep: 1000 });
    expect(rotated()).toBeUndefined();
    for (const size of ["", "1", "1023K", "1025G", "1.5M", "-1M", "1 M", "1m", "99999999M"])
      expect(complaint(...file, `--rotate=${size}`)).toBe(
        `--rotate: '${size}' is not a size from 1M to 1024G`,
      );
    for (const number of ["0", "1001", "x"])
      expect(complaint(...file, "--rotate", "1M", "--keep", number)).toContain("--keep");
    expect(complaint("-o", "json", "--rotate", "1M")).toContain("--rotate needs an output with a file");
    expect(complaint(...file, "--keep", "1")).toBe("--keep needs --rotate SIZE");
  });

  test("--snapshot needs JSON, and no log of the host beside it", () => {
    const snapshot = (...words: string[]) => words.flatMap((word) => ["-o", word]).concat("--snapshot");
    expect(typed(...snapshot("json")).snapshot).toBe(true);
    expect(typed(...snapshot("json:/a", "text")).snapshot).toBe(true);
    for (const words of [["text"], ["json", "syslog"], ["journald"]])
      expect(complaint(...snapshot(...words))).toContain("--snapshot");
  });
});

describe.each([
  ["kernVersion", variables.kernVersion.name],
  ["assumeKernel", variables.assumeKernel.name],
] as const)("%s", (field, name) => {
  test(`reads ${name}, and is undefined for an empty value`, () => {
    process.env[name] = "4.15.18-generic";
    expect(typed()[field]).toEqual([4, 15, 18]);
    process.env[name] = "";
    expect(typed()[field]).toBeUndefined();
  });

  test("refuses a value that is not a version, and shows it with escapes", () => {
    process.env[name] = "four\n\x1b";
    for (const part of [name, '"four\\n\\u001b"']) expect(complaint()).toContain(part);
  });
});

describe("colors", () => {
  test.each<[variables: Record<string, string>, color: boolean]>([
    [{ TERM: "xterm-256color" }, true],
    [{ TERM: "linux", NO_COLOR: "" }, true],
    [{ TERM: "xterm", NO_COLOR: "1" }, false],
    [{ TERM: "xterm", NO_COLOR: "0" }, false],
    [{ TERM: "dumb" }, false],
    [{ TERM: "" }, false],
  ])("on or off with %j", (variables, color) => {
    Object.assign(process.env, variables);
    expect(typed().color).toBe(color);
  });

  test("off without TERM", () => {
    delete process.env[variables.term.name];
    expect(typed().color).toBe(false);
  });
});
