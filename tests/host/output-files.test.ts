// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Several outputs at once, and outputs to files: rotation by mine and by a real logrotate, a named pipe.
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
import { SENDER_UID } from "../support/accounts.ts";
import { Receiver } from "../support/datagrams.ts";
import { canTraceHere, isAlive } from "../support/host.ts";
import { parseRunRecords } from "../support/schema.ts";
import { commandsIn, SendingHost, sentBy, whole } from "../support/sending-host.ts";
import { readError, readSummary } from "../support/stderr.ts";
import { until } from "../support/until.ts";

const isHere = canTraceHere("output-files.test.ts");

let host: SendingHost;
beforeAll(() => {
  host = new SendingHost();
});
afterAll(() => host[Symbol.dispose]());

const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
const linesOf = (text: string): string[] => text.split("\n").filter(Boolean);

describe.skipIf(!isHere)("several outputs", () => {
  test("have the same commands, and text keeps its form", async () => {
    const file = join(host.emptyDirectory("log"), "events.jsonl");
    await using mine = await host.start(["-o", "text", "-o", `json:${file}`]);
    const { handled } = await host.flood(500);
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
    await using mine = await host.start(["-o", `json:${fifo}`, "-o", `json:${file}`]);
    const count = 2000;
    await host.flood(count);
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
    await host.flood(10);
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
    for (const count of [20_000, 10]) await host.flood(count);
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
    await using mine = await host.start(["-o", `json:${file}`, "--rotate", "1M", "--keep", "3"]);
    const count = 8000;
    const { handled } = await host.flood(count);
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
    await using mine = await host.start(["-o", `json:${file}`, "--rotate", "1M"]);
    process.kill(mine.keeper, "SIGKILL");
    const { handled } = await host.flood(3000);
    await mine.tells(`${file}: `);
    expect(await mine.end()).toMatchObject(whole(handled));
    expect(readdirSync(dir)).toEqual(["events.jsonl"]);
    expect(commandsIn(read(file))).toEqual(sentBy(3000));
  });

  test("leaves no process behind if mine is killed", async () => {
    const file = join(host.emptyDirectory("log"), "events.jsonl");
    await using mine = await host.start(["-o", `json:${file}`, "--rotate", "1M"]);
    const { keeper } = mine;
    mine.signal("SIGKILL");
    await until(() => !isAlive(keeper));
  });

  test.each(["create", "copytruncate"])("is rotated by logrotate with %s", async (how) => {
    const dir = host.emptyDirectory("log");
    const file = join(dir, "events.jsonl");
    const socket = join(dir, "notify");
    using manager = await Receiver.bind(socket);
    await using mine = await host.start(["-o", `json:${file}`], { NOTIFY_SOCKET: socket });
    const after = how === "create" ? `postrotate\nkill -HUP ${mine.pid}\nendscript` : "";
    const config = join(dir, "logrotate.conf");
    writeFileSync(config, `${file} {\nrotate 3\n${how}\n${after}\n}\n`, { mode: 0o600 });
    let total = 0;
    for (const _ of [1, 2]) {
      total += (await host.flood(300)).handled;
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
    total += (await host.flood(300)).handled;
    expect(await mine.end()).toMatchObject(whole(total));
    for (const path of [`${file}.2`, `${file}.1`, file]) {
      expect(commandsIn(read(path))).toEqual(sentBy(300));
    }
    if (how === "create") expect(manager.texts.filter((text) => text === "READY=1")).toHaveLength(3);
  });

  test("that is renamed during a flood and opened again by SIGHUP loses nothing", async () => {
    const dir = host.emptyDirectory("log");
    const file = join(dir, "events.jsonl");
    await using mine = await host.start(["-o", `json:${file}`], { NOTIFY_SOCKET: join(dir, "missing") });
    const sending = host.flood(20_000);
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
    await using mine = await host.start(["-o", `json:${file}`]);
    await host.flood(1);
    await mine.end();
    const [first, ...others] = read(file).split("\n");
    expect(first).toBe('{"half":');
    expect(commandsIn(others.join("\n"))).toEqual(sentBy(1));
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
