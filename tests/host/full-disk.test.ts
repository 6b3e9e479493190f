// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Outputs to files on a full disk.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { SENDER_UID } from "../support/accounts.ts";
import { canTraceHere } from "../support/host.ts";
import { commandsIn, SendingHost, sentBy, whole } from "../support/sending-host.ts";
import { readSummary } from "../support/stderr.ts";
import { until } from "../support/until.ts";

const isHere = canTraceHere("full-disk.test.ts");

let host: SendingHost;
beforeAll(() => {
  host = new SendingHost();
});
afterAll(() => host[Symbol.dispose]());

const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");
const linesOf = (text: string): string[] => text.split("\n").filter(Boolean);

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
    await using mine = await host.start(["-o", `json:${file}`, "--buffer", "32M"]);
    const { handled } = await host.flood(2000);
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
      const { handled } = await host.flood(4000);
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
    await using mine = await host.start(["-o", `json:${file}`, "--buffer", "1M"]);
    const { handled } = await host.flood(4000);
    await mine.tells("ENOSPC");
    const { seen, lost } = await mine.end();
    expect(seen + lost).toBe(handled);
    expect(commandsIn(read(file))).toHaveLength(seen);
  });
});
