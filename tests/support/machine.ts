// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Other hosts for a test, on this kernel: each has its own systemd, network, host name, processes and files.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./compile.ts";
import { until } from "./until.ts";

const script = join(root, "tests/support/machine.sh");

export interface MachineFile {
  text: string;
  mode?: number;
}

export class Machine implements AsyncDisposable {
  readonly name: string;
  readonly #dir: string;
  readonly #child: Bun.Subprocess<"pipe", "ignore", "pipe">;

  private constructor(name: string, dir: string) {
    this.name = name;
    this.#dir = dir;
    this.#child = Bun.spawn(["unshare", "--mount", "bash", script, "boot", name, dir], {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "pipe",
    });
  }

  /** Boots a machine. @param dir an empty directory. @param files files by their path there. */
  static async boot(name: string, dir: string, files: ReadonlyMap<string, MachineFile>): Promise<Machine> {
    for (const [path, { text, mode }] of files) {
      const file = join(dir, "files", path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { mode: mode ?? 0o644 });
    }
    const machine = new Machine(name, dir);
    await until(async () => {
      if (machine.#child.exitCode === null) return existsSync(join(dir, "pid"));
      throw new Error(`machine ${name} did not start: ${await machine.#child.stderr.text()}`);
    });
    // systemctl has no bus to ask at first.
    await until(() => machine.try("systemctl", "is-system-running", "--wait").stdout.trim() === "running");
    return machine;
  }

  /** Process of its systemd, as this host numbers it. */
  get pid(): number {
    return Number(readFileSync(join(this.#dir, "pid"), "utf8"));
  }

  /** Returns the path of one of its files, for this host. */
  path(file: string): string {
    return `/proc/${this.pid}/root${file}`;
  }

  /** Returns the command that runs a command in the machine. */
  within(...command: string[]): string[] {
    return ["nsenter", "--target", String(this.pid), "--all", "--wd", "--", ...command];
  }

  /** Returns the command that runs a command of this host with the network and the logs of the machine. */
  beside(...command: string[]): string[] {
    return ["unshare", "--mount", "bash", script, "beside", this.#dir, ...command];
  }

  try(...command: string[]): { exitCode: number; stdout: string; stderr: string } {
    const { exitCode, stdout, stderr } = Bun.spawnSync(this.within(...command), { stdin: "ignore" });
    return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  /** Runs a command in the machine. @returns its output. @throws {Error} if it fails. */
  run(...command: string[]): string {
    const { exitCode, stdout, stderr } = this.try(...command);
    if (exitCode !== 0) throw new Error(`${this.name}: ${command.join(" ")} failed: ${stderr}${stdout}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    await this.#child.exited;
  }
}

/** Connects machines to the first one of them. Each gets an address, and knows the others by name. */
export function connect(machines: readonly Machine[]): void {
  const ip = (...args: string[]) => {
    const { success, stderr } = Bun.spawnSync(["ip", ...args]);
    if (!success) throw new Error(`ip ${args.join(" ")} failed: ${stderr}`);
  };
  const address = (index: number) => `192.0.2.${index + 1}`;
  const hosts = machines.map(({ name }, index) => `${address(index)} ${name}\n`).join("");
  const [center, ...others] = machines;
  if (!center) return;
  center.run("ip", "link", "add", "eth0", "type", "bridge");
  for (const { name, pid } of others) {
    ip(
      ...["link", "add", "name", name, "netns", String(center.pid), "type", "veth"],
      ...["peer", "name", "eth0", "netns", String(pid)],
    );
    center.run("ip", "link", "set", name, "master", "eth0", "up");
  }
  for (const [index, machine] of machines.entries()) {
    machine.run("ip", "address", "add", `${address(index)}/24`, "dev", "eth0");
    for (const device of ["lo", "eth0"]) machine.run("ip", "link", "set", device, "up");
    writeFileSync(machine.path("/etc/hosts"), `127.0.0.1 localhost\n${hosts}`);
  }
}
