// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Several outputs at once, and outputs to files: rotation by mine and by a real logrotate, a full disk, a named pipe.
// The sender's commands are known, so each test compares the lines with all of them, in order.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { asSender, compileSender, SENDER_UID, type Sent, send } from "../support/accounts.ts";
import { Receiver } from "../support/datagrams.ts";
import { canTraceHere, Host, isAlive } from "../support/host.ts";
import { type JsonEvent, parseEvents, parseRunRecords } from "../support/schema.ts";
import { READY, readError, readSummary } from "../support/stderr.ts";
import { until } from "../support/until.ts";

const isHere = canTraceHere("output-files.test.ts");

let host: Host;
let sender: string;
beforeAll(() => {
  host = new Host();
  sender = compileSender(host.dir);
});
afterAll(() => host[Symbol.dispose]());

const flood = (count: number): Promise<Sent> => send(...asSender, sender, "flood", String(count));
const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** A mine that runs in the background. */
class Mine implements AsyncDisposable {
  readonly dir = host.directoryWithBinary();
  readonly #child: Bun.Subprocess;

  private constructor(args: string[], env: Record<string, string>) {
    const path = (name: string) => Bun.file(join(this.dir, name));
    this.#child = Bun.spawn(["./mine", "--uid", SENDER_UID, ...args], {
      cwd: this.dir,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env },
      stdio: ["ignore", path("stdout"), path("stderr")],
    });
  }

  /** Starts mine, and waits until it traces. */
  static async start(args: string[], env: Record<string, string> = {}): Promise<Mine> {
    const mine = new Mine(args, env);
    await mine.tells(READY);
    return mine;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stderr(): string {
    return read(join(this.dir, "stderr"));
  }

  get stdout(): string {
    return read(join(this.dir, "stdout"));
  }

  async tells(text: string): Promise<void> {
    await until(
      () => this.stderr.includes(text),
      () => this.stderr,
    );
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Ends mine, and returns its summary. */
  async end() {
    this.signal("SIGINT");
    expect(await this.#child.exited).toBe(0);
    return readSummary(this.stderr);
  }

  /** Returns the process that opens its files. */
  get keeper(): number {
    const children = read(`/proc/${this.pid}/task/${this.pid}/children`).trim();
    return Number(children);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }
}

/** Returns the commands of a flood as "ADD flood0 10.0.0.0", by the source of the sender. */
const sentBy = (count: number): string[] => [
  ...Array.from({ length: 4 }, (_, set) => `create flood${set}`),
  ...Array.from({ length: count }, (_, index) => {
    const number = index % 4096;
    const [command, first] = index % 5 === 4 ? ["del", 192] : ["add", 10];
    return `${command} flood${index % 4} ${first}.0.${number >> 8}.${number & 255}`;
  }),
];

const wordsOf = ({ ipset }: JsonEvent): string =>
  [ipset.command, ipset.set, ...(ipset.elements ?? [])].join(" ");

/** Returns the commands in the whole lines of a file that mine may be writing. */
const commandsIn = (text: string): string[] =>
  parseEvents(text.slice(0, text.lastIndexOf("\n") + 1)).map(wordsOf);
/** The summary of a run that has these commands. Other programs may use ipset: their commands are filtered. */
const whole = (seen: number) => ({ seen, lost: 0, truncated: 0 });

const linesOf = (text: string): string[] => text.split("\n").filter(Boolean);

describe.skipIf(!isHere)("several outputs", () => {
  test("have the same commands, and text keeps its form", async () => {
    const file = join(host.emptyDirectory("log"), "events.jsonl");
    await using mine = await Mine.start(["-o", "text", "-o", `json:${file}`]);
    const { handled } = await flood(500);
    expect(await mine.end()).toMatchObject(whole(handled));
    expect(commandsIn(read(file))).toEqual(sentBy(500));
    const lines = linesOf(mine.stdout);
    expect(lines).toHaveLength(handled);
    expect(lines.filter((line) => line.includes(" by "))).toEqual([]);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  test("go on without one that takes nothing, which shows how much it misses", async () => {
    const dir = host.emptyDirectory("log");
    const fifo = join(dir, "fifo");
    const file = join(dir, "events.jsonl");
    expect(Bun.spawnSync(["mkfifo", fifo]).success).toBe(true);
    await using mine = await Mine.start(["-o", `json:${fifo}`, "-o", `json:${file}`]);
    const count = 2000;
    await flood(count);
    await until(
      () => linesOf(read(file)).length > count,
      () => mine.stderr,
    );
    expect(commandsIn(read(file))).toEqual(sentBy(count));
    await using reader = Bun.spawn(["cat", fifo], { stdout: Bun.file(join(dir, "read")) });
    const shown = () => read(join(dir, "read"));
    await until(
      () => shown().includes('"mine-lost"'),
      () => mine.stderr,
    );
    await flood(10);
    await until(() => commandsIn(shown()).slice(-10).join() === sentBy(10).slice(-10).join());
    const summary = await mine.end();
    await until(() => /"mine-end".*\n$/.test(shown()));
    reader.kill();
    const total = sentBy(count).length + sentBy(10).length;
    const end = parseRunRecords(shown()).at(-1);
    const recorded = commandsIn(shown()).length;
    expect(recorded).toBeLessThan(total);
    expect(end?.mine).toMatchObject({ seen: recorded, lost: total - recorded });
    expect(parseRunRecords(read(file)).at(-1)?.mine).toMatchObject({ seen: total, lost: 0 });
    expect(summary).toMatchObject({ seen: recorded, causes: { unwritten: total - recorded } });
  });
});

test.skipIf(!isHere)("an output goes on after the reader of stdout has left", async () => {
  const file = join(host.emptyDirectory("log"), "events.jsonl");
  const through = ["bash", "-c", 'exec ./mine "$@" > >(head -n 1)', "mine"];
  const args = ["-o", "text", "-o", `json:${file}`, "--uid", SENDER_UID];
  const { exitCode, stdout, stderr } = await host.run(args, { through }, async () => {
    for (const count of [20_000, 10]) await flood(count);
  });
  expect(exitCode).toBe(0);
  expect(linesOf(stdout)).toHaveLength(1);
  const all = [...sentBy(20_000), ...sentBy(10)];
  expect(readSummary(stderr)).toMatchObject(whole(all.length));
  expect(commandsIn(read(file))).toEqual(all);
});

describe.skipIf(!isHere)("a file", () => {
  test("that is full gets a successor, and each has whole lines", async () => {
    const dir = host.emptyDirectory("log");
    const file = join(dir, "events.jsonl");
    await using mine = await Mine.start(["-o", `json:${file}`, "--rotate", "1M", "--keep", "3"]);
    const count = 8000;
    const { handled } = await flood(count);
    const keeper = mine.keeper;
    expect(isAlive(keeper)).toBe(true);
    expect(await mine.end()).toMatchObject(whole(handled));
    expect(isAlive(keeper)).toBe(false);
    const names = ["events.jsonl.3", "events.jsonl.2", "events.jsonl.1", "events.jsonl"];
    expect(readdirSync(dir).toSorted()).toEqual(names.toSorted());
    const texts = names.map((name) => read(join(dir, name)));
    for (const text of texts) {
      expect(text.length).toBeLessThanOrEqual(1024 ** 2);
      expect(text).toEndWith("}\n");
    }
    for (const text of texts.slice(0, -1)) expect(text.length).toBeGreaterThan(1024 ** 2 - 4096);
    const kept = commandsIn(texts.join(""));
    expect(kept.length).toBeGreaterThan(1000);
    expect(kept).toEqual(sentBy(count).slice(-kept.length));
  });

  test("goes on if the process that opens files is gone, and mine says so", async () => {
    const dir = host.emptyDirectory("log");
    const file = join(dir, "events.jsonl");
    await using mine = await Mine.start(["-o", `json:${file}`, "--rotate", "1M"]);
    process.kill(mine.keeper, "SIGKILL");
    const { handled } = await flood(3000);
    await mine.tells(`${file}: `);
    expect(await mine.end()).toMatchObject(whole(handled));
    expect(readdirSync(dir)).toEqual(["events.jsonl"]);
    expect(commandsIn(read(file))).toEqual(sentBy(3000));
  });

  test("leaves no process behind if mine is killed", async () => {
    const file = join(host.emptyDirectory("log"), "events.jsonl");
    await using mine = await Mine.start(["-o", `json:${file}`, "--rotate", "1M"]);
    const { keeper } = mine;
    mine.signal("SIGKILL");
    await until(() => !isAlive(keeper));
  });

  test.each(["create", "copytruncate"])("is rotated by logrotate with %s", async (how) => {
    const dir = host.emptyDirectory("log");
    const file = join(dir, "events.jsonl");
    const socket = join(dir, "notify");
    using manager = await Receiver.bind(socket);
    await using mine = await Mine.start(["-o", `json:${file}`], { NOTIFY_SOCKET: socket });
    const after = how === "create" ? `postrotate\nkill -HUP ${mine.pid}\nendscript` : "";
    const config = join(dir, "logrotate.conf");
    writeFileSync(config, `${file} {\nrotate 3\n${how}\n${after}\n}\n`, { mode: 0o600 });
    let total = 0;
    for (const _ of [1, 2]) {
      total += (await flood(300)).handled;
      const files = [`${file}.2`, `${file}.1`, file];
      await until(() => files.flatMap((path) => commandsIn(read(path))).length === total);
      const reloads = () => manager.texts.filter((text) => /^RELOADING=1\nMONOTONIC_USEC=\d+$/.test(text));
      const before = reloads().length;
      const rotated = Bun.spawnSync(["logrotate", "--force", "--state", join(dir, "state"), config]);
      expect([rotated.exitCode, rotated.stderr.toString()]).toEqual([0, ""]);
      if (how === "create") {
        await manager.until(() => reloads().length > before && manager.texts.at(-1) !== reloads().at(-1));
      }
    }
    total += (await flood(300)).handled;
    expect(await mine.end()).toMatchObject(whole(total));
    for (const path of [`${file}.2`, `${file}.1`, file]) {
      expect(commandsIn(read(path))).toEqual(sentBy(300));
    }
    if (how === "create") expect(manager.texts.filter((text) => text === "READY=1")).toHaveLength(3);
  });

  test("that is renamed during a flood and opened again by SIGHUP loses nothing", async () => {
    const dir = host.emptyDirectory("log");
    const file = join(dir, "events.jsonl");
    await using mine = await Mine.start(["-o", `json:${file}`], { NOTIFY_SOCKET: join(dir, "missing") });
    const sending = flood(20_000);
    await until(() => read(file).length > 100_000);
    renameSync(file, `${file}.1`);
    mine.signal("SIGHUP");
    await until(() => read(file).length > 0);
    const { handled } = await sending;
    expect(await mine.end()).toMatchObject(whole(handled));
    expect(commandsIn(read(`${file}.1`) + read(file))).toEqual(sentBy(20_000));
  });

  test("that ends with a half line has it ended first", async () => {
    const file = join(host.emptyDirectory("log"), "events.jsonl");
    writeFileSync(file, '{"half":', { mode: 0o600 });
    await using mine = await Mine.start(["-o", `json:${file}`]);
    await flood(1);
    await mine.end();
    const [first, ...others] = read(file).split("\n");
    expect(first).toBe('{"half":');
    expect(commandsIn(others.join("\n"))).toEqual(sentBy(1));
  });
});

describe.skipIf(!isHere)("on a full disk", () => {
  /** A file system of this size. */
  class Disk implements Disposable {
    readonly dir = host.emptyDirectory("disk");

    constructor(size: string) {
      this.#mount("-t", "tmpfs", "-o", `size=${size}`, "tmpfs");
    }

    grow(size: string): void {
      this.#mount("-o", `remount,size=${size}`);
    }

    #mount(...words: string[]): void {
      const { success, stderr } = Bun.spawnSync(["mount", ...words, this.dir]);
      if (!success) throw new Error(stderr.toString());
    }

    [Symbol.dispose](): void {
      Bun.spawnSync(["umount", "--lazy", this.dir]);
    }
  }

  test("events wait, and nothing is lost when there is space again", async () => {
    using disk = new Disk("512k");
    const file = join(disk.dir, "events.jsonl");
    await using mine = await Mine.start(["-o", `json:${file}`, "--buffer", "32M"]);
    const { handled } = await flood(2000);
    await mine.tells("ENOSPC");
    disk.grow("64m");
    await until(
      () => linesOf(read(file)).length > handled,
      () => mine.stderr,
    );
    expect(await mine.end()).toMatchObject(whole(handled));
    expect(commandsIn(read(file))).toEqual(sentBy(2000));
  });

  test("stdout that is a file waits too", async () => {
    using disk = new Disk("256k");
    const file = join(disk.dir, "lines");
    const through = ["bash", "-c", 'exec ./mine "$@" >>"$0"', file];
    const { exitCode, stderr } = await host.run(["--uid", SENDER_UID], { through }, async () => {
      const { handled } = await flood(4000);
      await until(() => statSync(file).size >= 256 * 1024);
      disk.grow("64m");
      await until(() => linesOf(read(file)).length === handled);
    });
    expect(exitCode).toBe(0);
    expect(readSummary(stderr)).toMatchObject(whole(linesOf(read(file)).length));
  });

  test("without space until the end, each event is written or counted", async () => {
    using disk = new Disk("512k");
    const file = join(disk.dir, "events.jsonl");
    await using mine = await Mine.start(["-o", `json:${file}`, "--buffer", "1M"]);
    const { handled } = await flood(4000);
    await mine.tells("ENOSPC");
    const { seen, lost } = await mine.end();
    expect(seen + lost).toBe(handled);
    expect(commandsIn(read(file))).toHaveLength(seen);
  });
});

describe.skipIf(!isHere)("a file that mine cannot use is an error at the start", () => {
  const refused = async (path: string) => {
    const { exitCode, stderr, stdout } = await host.run(["-o", `json:${path}`]);
    expect([exitCode, stdout]).toEqual([3, ""]);
    const { reason, message } = readError(stderr);
    expect(message).toContain(path);
    return reason;
  };
  let dir: string;
  beforeAll(() => {
    dir = host.emptyDirectory("log");
    writeFileSync(join(dir, "other"), "");
  });

  test("in a missing directory", async () => {
    expect(await refused(join(dir, "missing/events"))).toBe("cannot-write");
  });

  test("a directory", async () => {
    mkdirSync(join(dir, "directory"));
    expect(await refused(join(dir, "directory"))).toBe("cannot-write");
  });

  test("a symbolic link", async () => {
    symlinkSync(join(dir, "other"), join(dir, "link"));
    expect(await refused(join(dir, "link"))).toBe("cannot-write");
  });

  test("a hard link", async () => {
    linkSync(join(dir, "other"), join(dir, "hard"));
    expect(await refused(join(dir, "hard"))).toBe("foreign-file");
  });

  test("a file of another user", async () => {
    writeFileSync(join(dir, "foreign"), "");
    chownSync(join(dir, "foreign"), 1, 1);
    expect(await refused(join(dir, "foreign"))).toBe("foreign-file");
  });

  test("a device", async () => {
    expect(await refused("/dev/null")).toBe("foreign-file");
  });

  test("a path of mine's working directory that is missing there", async () => {
    const { exitCode, stderr } = await host.run(["-o", "json:missing/events"]);
    expect([exitCode, readError(stderr).reason]).toEqual([3, "cannot-write"]);
  });
});
