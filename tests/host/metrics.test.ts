// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// `mine --metrics`: a real Prometheus scrapes them, and its counts are those of the sender.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { SENDER_UID } from "../support/accounts.ts";
import { canTraceHere } from "../support/host.ts";
import { SendingHost } from "../support/sending-host.ts";
import { readError, readWarnings } from "../support/stderr.ts";
import { until } from "../support/until.ts";

const isHere = canTraceHere("metrics.test.ts");
/** Sets of the flood: each is created once. */
const SETS = 4;

let host: SendingHost;
beforeAll(() => {
  host = new SendingHost();
});
afterAll(() => host[Symbol.dispose]());

const args = ["--uid", SENDER_UID];

/** Returns a TCP port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Returns the value of a metric in the text format. */
const metricIn = (text: string, metric: string): number =>
  Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${metric} `))
      ?.slice(metric.length + 1),
  );

/** A Prometheus that scrapes mine once a second. */
class Prometheus implements Disposable {
  readonly #port: number;
  readonly #child: Bun.Subprocess;

  private constructor(port: number, child: Bun.Subprocess) {
    this.#port = port;
    this.#child = child;
  }

  static async start(target: string): Promise<Prometheus> {
    const port = await freePort();
    const dir = host.emptyDirectory("prometheus");
    const config = join(dir, "prometheus.yml");
    const jobs = `scrape_configs: [{job_name: mine, static_configs: [{targets: ["${target}"]}]}]`;
    writeFileSync(config, `global: {scrape_interval: 1s}\n${jobs}\n`);
    const options = [`--storage.tsdb.path=${join(dir, "data")}`, `--web.listen-address=127.0.0.1:${port}`];
    const child = Bun.spawn(["prometheus", `--config.file=${config}`, ...options], {
      stdout: "ignore",
      stderr: "ignore",
    });
    return new Prometheus(port, child);
  }

  /** Returns the sum of an expression; undefined if there is no sample. */
  async sum(expression: string): Promise<number | undefined> {
    const query = `http://127.0.0.1:${this.#port}/api/v1/query?query=${encodeURIComponent(`sum(${expression})`)}`;
    const { data } = (await (await fetch(query)).json()) as {
      data: { result: { value: [number, string] }[] };
    };
    const [sample] = data.result;
    return sample && Number(sample.value[1]);
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}

describe.skipIf(!isHere)("metrics", () => {
  test("have the counts of the sender, in Prometheus and in the text that promtool checks", async () => {
    const port = await freePort();
    const target = `127.0.0.1:${port}`;
    using prometheus = await Prometheus.start(target);
    let text = "";
    const { exitCode } = await host.run([...args, "--metrics", target], {}, async () => {
      const { handled, failed } = await host.flood(500);
      const all = await until(async () => {
        const sum = await prometheus.sum("mine_events_total").catch(() => undefined); // it may not listen yet
        return sum === handled ? sum : undefined;
      });
      expect(all).toBe(500 + SETS);
      expect(await prometheus.sum('mine_events_total{outcome="failure"}')).toBe(failed);
      expect(await prometheus.sum('mine_events_total{command="create",outcome="success"}')).toBe(SETS);
      expect(await prometheus.sum("mine_events_lost_total")).toBe(0);
      text = await (await fetch(`http://${target}/metrics`)).text();
    });
    expect(exitCode).toBe(0);
    const { stdout, stderr, success } = Bun.spawnSync(["promtool", "check", "metrics"], {
      stdin: Buffer.from(text),
    });
    expect(`${success} ${stdout}${stderr}`).toBe("true ");
    expect(metricIn(text, "mine_buffer_bytes")).toBe(8 * 2 ** 20);
    expect(metricIn(text, "mine_last_event_timestamp_seconds") * 1000).toBeWithin(
      Date.now() - 120_000,
      Date.now(),
    );
  });

  test("are there at a socket, also after a mine that was killed", async () => {
    const path = join(host.dir, "metrics.sock");
    const read = async () => (await fetch("http://mine/metrics", { unix: path })).text();
    const killed = await host.run([...args, "--metrics", `unix:${path}`], {}, async (pid) => {
      expect(await read()).toContain("mine_build_info");
      process.kill(pid, "SIGKILL");
    });
    expect([killed.exitCode, existsSync(path)]).toEqual([null, true]);
    const { exitCode } = await host.run([...args, "--metrics", `unix:${path}`], {}, async () => {
      expect(await read()).toContain("mine_build_info");
    });
    expect(exitCode).toBe(0);
  });

  test("are in a file, which the node_exporter reads, and which has the last counts at the end", async () => {
    const dir = host.emptyDirectory("textfile");
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const options = ["--collector.disable-defaults", "--collector.textfile"];
    await using exporter = Bun.spawn(
      [
        "prometheus-node-exporter",
        ...options,
        `--collector.textfile.directory=${dir}`,
        `--web.listen-address=${address}`,
      ],
      { stdout: "ignore", stderr: "ignore" },
    );
    const file = join(dir, "mine.prom");
    const exported = async () => (await fetch(`http://${address}/metrics`)).text().catch(() => "");
    let sent = 0;
    const { exitCode } = await host.run([...args, "--metrics", `file:${file}`], {}, async () => {
      expect(await Bun.file(file).text()).toContain("mine_build_info");
      sent = (await host.flood(100)).handled;
      await until(async () =>
        (await exported()).includes('mine_events_total{command="create",outcome="success"} 4'),
      );
    });
    expect(exitCode).toBe(0);
    expect(sent).toBe(100 + SETS);
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(readdirSync(dir)).toEqual(["mine.prom"]);
    expect(metricIn(await exported(), "node_textfile_scrape_error")).toBe(0);
    exporter.kill();
  });

  test("in a missing directory are an error, and one that vanishes is told", async () => {
    const { exitCode, stderr } = await host.run([...args, "--metrics", "file:/nowhere/mine.prom"]);
    expect([exitCode, readError(stderr).reason]).toEqual([3, "cannot-write"]);
    const dir = host.emptyDirectory("textfile");
    const later = await host.run([...args, "--metrics", `file:${join(dir, "mine.prom")}`], {}, () =>
      rmSync(dir, { recursive: true }),
    );
    expect(later.exitCode).toBe(0);
    expect(readWarnings(later.stderr).join()).toContain(dir);
  });

  test("are at /metrics alone, and are only read", async () => {
    const port = await freePort();
    await host.run([...args, "--metrics", String(port)], {}, async () => {
      const ask = async (path: string, init?: RequestInit) =>
        (await fetch(`http://127.0.0.1:${port}${path}`, init)).status;
      expect(await ask("/metrics?a=b")).toBe(200);
      expect(await ask("/")).toBe(404);
      expect(await ask("/metrics", { method: "DELETE" })).toBe(405);
    });
  });

  test("at an address in use are an error", async () => {
    const path = join(host.dir, "file");
    writeFileSync(path, "a file");
    const port = await freePort();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    for (const address of [String(port), `unix:${path}`, "unix:/nowhere/mine.sock", "192.0.2.1:9095"]) {
      const { exitCode, stderr } = await host.run([...args, "--metrics", address]);
      expect([address, exitCode, readError(stderr).reason]).toEqual([address, 3, "no-metrics"]);
    }
    server.close();
    expect(await Bun.file(path).text()).toBe("a file");
  });

  test("of a mine whose output takes no lines are there too", async () => {
    const port = await freePort();
    const cwd = host.directoryWithBinary();
    expect(Bun.spawnSync(["mkfifo", join(cwd, "fifo")]).success).toBe(true);
    const through = [
      "bash",
      "-c",
      'exec 9<>fifo; ./mine "$@" >fifo & trap "kill -INT $!" INT; wait; wait',
      "mine",
    ];
    await host.run([...args, "--metrics", String(port)], { cwd, through }, async () => {
      await host.flood(5000);
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      expect(text).toContain("mine_build_info");
    });
  });
});
