// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A host with a sender of ipset commands. The commands of a flood are known, so a test can compare the lines of mine with
// all of them, in order.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { asSender, compileSender, SENDER_UID, type Sent, send } from "./accounts.ts";
import { Host } from "./host.ts";
import { type JsonEvent, parseEvents } from "./schema.ts";
import { READY, readSummary, type Summary } from "./stderr.ts";
import { until } from "./until.ts";

const read = (path: string): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

export class SendingHost extends Host {
  /** Path of the sender. */
  readonly sender = compileSender(this.dir);

  flood(count: number | string): Promise<Sent> {
    return send(...asSender, this.sender, "flood", String(count));
  }

  /** Starts a mine, and waits until it traces. */
  async start(args: string[], env: Record<string, string> = {}): Promise<Mine> {
    const mine = new Mine(this.directoryWithBinary(), args, env);
    await mine.tells(READY);
    return mine;
  }
}

/** A mine that runs in the background, and shows the commands of a sender. */
export class Mine implements AsyncDisposable {
  readonly #dir: string;
  readonly #child: Bun.Subprocess;

  /** @param dir a directory with the binary alone. */
  constructor(dir: string, args: string[], env: Record<string, string>) {
    this.#dir = dir;
    const path = (name: string) => Bun.file(join(dir, name));
    this.#child = Bun.spawn(["./mine", "--uid", SENDER_UID, ...args], {
      cwd: dir,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env },
      stdio: ["ignore", path("stdout"), path("stderr")],
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stderr(): string {
    return read(join(this.#dir, "stderr"));
  }

  get stdout(): string {
    return read(join(this.#dir, "stdout"));
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

  /** Ends mine. @returns its summary. @throws {Error} if it fails. */
  async end(): Promise<Summary> {
    this.signal("SIGINT");
    const exitCode = await this.#child.exited;
    if (exitCode !== 0) throw new Error(`mine ended with ${exitCode}: ${this.stderr}`);
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
export const sentBy = (count: number): string[] => [
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
export const commandsIn = (text: string): string[] =>
  parseEvents(text.slice(0, text.lastIndexOf("\n") + 1)).map(wordsOf);

/** The summary of a run that has these commands. Other programs may use ipset: their commands are filtered. */
export const whole = (seen: number) => ({ seen, lost: 0, truncated: 0 });
