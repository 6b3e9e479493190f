// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The machines of docs/fleet.md, with the files and commands of that page.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { asSender, SENDER_UID } from "./accounts.ts";
import { root } from "./compile.ts";
import type { Host, Run } from "./host.ts";
import { connect, Machine, type MachineFile } from "./machine.ts";

/** A block of the page. Words after its language say where it belongs: `host=web`, `file=/etc/…`, `name=…`. */
interface Block {
  host: string | undefined;
  file: string | undefined;
  name: string | undefined;
  text: string;
}

const page = readFileSync(join(root, "docs/fleet.md"), "utf8");
const blocks: Block[] = [...page.matchAll(/^```\w+ ([^\n]*)\n(.*?)^```$/gms)].map(
  ([, words = "", text = ""]) => {
    const word = (key: string) => new RegExp(`(?:^| )${key}=(\\S+)`).exec(words)?.[1];
    return { host: word("host"), file: word("file"), name: word("name"), text };
  },
);

/** Returns the command that runs a block of the page. */
export function blockCommand(name: string): string[] {
  const found = blocks.find((block) => block.name === name);
  if (!found) throw new Error(`docs/fleet.md has no block ${name}`);
  return ["bash", "-euc", found.text];
}

/** Adds addresses until there is a file `stop`. The file `sent` has their number. */
const FLOOD = `
ipset create blocklist hash:ip
for ((n = 0; ; n++)); do
  echo "$n" >sent.new && mv sent.new sent
  [ ! -e stop ] || exit 0
  ipset add blocklist "10.$((n >> 16)).$((n >> 8 & 255)).$((n & 255))"
done`;

/** Returns the addresses of a flood. */
export const addressesOf = (sent: number): string[] =>
  Array.from({ length: sent }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);

/** A machine whose commands mine records. mine runs beside it. */
export class Sender {
  readonly machine: Machine;
  /** All machines have one kernel, and mine sees the commands of all. So each machine has a user of its own. */
  readonly uid: string;
  readonly #host: Host;
  readonly #dir: string;
  #flood: Bun.Subprocess | undefined;
  #run: Promise<Run> | undefined;
  readonly #end = Promise.withResolvers<void>();

  constructor(host: Host, machine: Machine, index: number) {
    this.machine = machine;
    this.uid = String(Number(SENDER_UID) + index * 100_000);
    this.#host = host;
    this.#dir = host.emptyDirectory("sender");
    chmodSync(this.#dir, 0o777);
  }

  /** The record of mine. */
  get record(): string {
    return this.machine.path("/var/log/mine/events.jsonl");
  }

  /** Starts mine with the outputs of the page, and waits until it traces. */
  async trace(): Promise<void> {
    mkdirSync(dirname(this.record));
    const outputs = ["journald", "syslog", `json:${this.record}`].flatMap((output) => ["-o", output]);
    const ready = Promise.withResolvers<void>();
    const args = [...outputs, "--rotate", "1M", "--uid", this.uid];
    const run = this.#host.run(args, { through: this.machine.beside("./mine") }, async () => {
      ready.resolve();
      await this.#end.promise;
    });
    this.#run = run;
    const early = await Promise.race([ready.promise, run]);
    if (early) throw new Error(`mine has ended: ${early.stderr}`);
  }

  #command(script: string): string[] {
    const as = asSender.map((word) => word.replace(SENDER_UID, this.uid));
    return ["nsenter", "--target", String(this.machine.pid), "--net", "--", ...as, "bash", "-euc", script];
  }

  /** Runs ipset commands in the machine's network. */
  send(script: string): void {
    const { stderr, success } = Bun.spawnSync(this.#command(script), { cwd: this.#dir });
    if (!success) throw new Error(`${script} failed: ${stderr}`);
  }

  startFlood(): void {
    this.#flood = Bun.spawn(this.#command(FLOOD), { cwd: this.#dir, stdin: "ignore" });
  }

  /** Number of addresses sent so far. */
  get sent(): number {
    const file = join(this.#dir, "sent");
    return existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  }

  /** @throws {Error} if a command of the flood failed. */
  async stopFlood(): Promise<void> {
    writeFileSync(join(this.#dir, "stop"), "");
    const exitCode = await this.#flood?.exited;
    if (exitCode !== 0) throw new Error(`the flood ended with ${exitCode}`);
  }

  /** Ends mine. */
  async stop(): Promise<Run | undefined> {
    this.#end.resolve();
    return await this.#run;
  }
}

/** Makes the certificates of the page. @returns their directory. */
function makeCertificates(host: Host): string {
  const cwd = host.emptyDirectory("certificates");
  const { success, stderr } = Bun.spawnSync(blockCommand("certificates"), { cwd });
  if (!success) throw new Error(`no certificates: ${stderr}`);
  return cwd;
}

export interface Fleet {
  collector: Machine;
  senders: Sender[];
  /** Machine with another address, and with a certificate for web1 of another CA. */
  intruder: Machine;
  /** All of them. */
  machines: Machine[];
}

/** Boots the machines of the page, and follows it. @param others more files for each of them. */
export async function bootFleet(host: Host, others: ReadonlyMap<string, MachineFile>): Promise<Fleet> {
  const ours = makeCertificates(host);
  const boot = async (name: string, kind: string, certificate: string): Promise<Machine> => {
    const files = new Map<string, MachineFile>([
      ...others,
      ["/etc/fleet/ca.pem", { text: readFileSync(join(ours, "ca.pem"), "utf8") }],
      ["/etc/fleet/host.pem", { text: readFileSync(`${certificate}.pem`, "utf8") }],
      ["/etc/fleet/host.key", { text: readFileSync(`${certificate}.key`, "utf8"), mode: 0o600 }],
    ]);
    for (const block of blocks) if (block.file && block.host === kind) files.set(block.file, block);
    return await Machine.boot(name, host.emptyDirectory(name), files);
  };
  const [collector, web1, web2, intruder] = await Promise.all([
    boot("collector", "collector", join(ours, "collector")),
    boot("web1", "web", join(ours, "web1")),
    boot("web2", "web", join(ours, "web2")),
    boot("intruder", "web", join(makeCertificates(host), "web1")),
  ]);
  const machines = [collector, web1, web2, intruder];
  connect(machines);
  for (const { host: kind, file, name, text } of blocks) {
    if (file !== undefined || name !== undefined) continue;
    for (const machine of machines) {
      const isCollector = machine === collector;
      if (kind === "all" || (kind === "collector") === isCollector) machine.run("sh", "-euc", text);
    }
  }
  const senders = [web1, web2].map((machine, index) => new Sender(host, machine, index));
  return { collector, senders, intruder, machines };
}
