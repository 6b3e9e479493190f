// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Reports to a service manager: a socket of this test stands for it (sd_notify(3)).
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { SENDER_UID } from "../support/accounts.ts";
import { Receiver } from "../support/datagrams.ts";
import { canTraceHere } from "../support/host.ts";
import { SendingHost } from "../support/sending-host.ts";
import { complete, readSummary } from "../support/stderr.ts";

const isHere = canTraceHere("service-manager.test.ts");

let host: SendingHost;
let manager: Receiver;
let path: string;
let number = 0;
beforeAll(() => {
  host = new SendingHost();
});
afterAll(() => host[Symbol.dispose]());
beforeEach(async () => {
  path = join(host.dir, `notify-${++number}`);
  manager = await Receiver.bind(path);
});
afterEach(() => manager[Symbol.dispose]());

const args = ["--uid", SENDER_UID];

describe.skipIf(!isHere)("mine reports", () => {
  test("when it misses no command any more, how many it has seen, and its end", async () => {
    let sent = 0;
    const { exitCode, stderr } = await host.run(args, { env: { NOTIFY_SOCKET: path } }, async () => {
      await manager.until(() => manager.texts.length > 0);
      sent = (await host.flood(20)).handled;
      await manager.until(() => manager.texts.some((state) => state.startsWith(`STATUS=${sent} events`)));
    });
    expect(exitCode).toBe(0);
    await manager.until(() => manager.texts.at(-1) === "STOPPING=1");
    const [first, ...others] = manager.texts;
    expect(first).toBe("READY=1");
    expect(others.filter((state) => !state.startsWith("STATUS="))).toEqual(["STOPPING=1"]);
    expect(readSummary(stderr)).toEqual(complete(sent));
  });

  test("to an abstract socket", async () => {
    const name = `@mine-test-${process.pid}`;
    using abstract = await Receiver.bind(name);
    await host.run(args, { env: { NOTIFY_SOCKET: name } }, () =>
      abstract.until(() => abstract.texts.includes("READY=1")),
    );
  });

  test("to the watchdog that it reads events, but not while its output takes no lines", async () => {
    const cwd = host.directoryWithBinary();
    const fifo = join(cwd, "fifo");
    expect(Bun.spawnSync(["mkfifo", fifo]).success).toBe(true);
    const unread = openSync(fifo, "r+"); // a reader that reads nothing
    const through = ["bash", "-c", 'exec ./mine "$@" >fifo', "mine"];
    const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: "500000" };
    const pings = () => manager.texts.filter((text) => text === "WATCHDOG=1").length;
    const { exitCode } = await host.run(args, { cwd, through, env }, async () => {
      await manager.until(() => pings() >= 3);
      await host.flood(20_000);
      let seen = -1;
      // The pipe is full soon. From then on no ping arrives: in four times the watchdog's time none.
      for (const start = performance.now(); seen !== pings(); ) {
        if (performance.now() - start > 60_000) throw new Error("mine feeds the watchdog without reading");
        seen = pings();
        await Bun.sleep(2000);
      }
      const reader = Bun.spawn(["cat", fifo], { stdout: "ignore", stderr: "ignore" });
      try {
        await manager.until(() => pings() > seen);
      } finally {
        reader.kill();
      }
    });
    closeSync(unread);
    expect(exitCode).toBe(0);
  });
});

describe.skipIf(!isHere)("mine also runs", () => {
  test("where nobody reads the socket, and says so", async () => {
    const { exitCode, stderr } = await host.run(args, { env: { NOTIFY_SOCKET: join(host.dir, "missing") } });
    expect(exitCode).toBe(0);
    expect(stderr).toContain("ENOENT");
  });

  test("where the service manager goes away", async () => {
    let sent = 0;
    const { exitCode, stderr } = await host.run(args, { env: { NOTIFY_SOCKET: path } }, async () => {
      await manager.until(() => manager.texts.length > 0);
      manager[Symbol.dispose]();
      sent = (await host.flood(20)).handled;
    });
    expect(exitCode).toBe(0);
    expect(readSummary(stderr)).toEqual(complete(sent));
  });
});
