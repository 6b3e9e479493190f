// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Remembers the types of sets that CREATE makes. The meaning of some error numbers depends on the type, and only
// CREATE has it.
import type { Command, IpsetMessage } from "../ipset/message.ts";
import type { Outcome } from "../ipset/outcome.ts";

/** Commands that change the type of a name. */
const commands: ReadonlySet<Command | undefined> = new Set(["CREATE", "DESTROY", "RENAME", "SWAP"] as const);

/** Max sets. Beyond it all types are forgotten: only some error sentences become less exact. */
const MAX_SETS = 65536;

export class SetTypes {
  /** Types by network namespace and set name. */
  readonly #types = new Map<string, string>();

  of(netns: number, { typeName, setName }: IpsetMessage): string | undefined {
    return typeName ? text(typeName) : this.#types.get(key(netns, setName));
  }

  learn(netns: number, message: IpsetMessage, { status }: Outcome): void {
    if (!commands.has(message.command)) return;
    const name = key(netns, message.setName);
    const second = key(netns, message.secondName);
    if (status === "unknown") {
      // The command may have taken effect, so the types of its sets are unknown now.
      if (message.setName) for (const named of [name, second]) this.#types.delete(named);
      else this.#forgetAll(netns);
    }
    if (status !== "success") return;
    const type = this.#types.get(name);
    switch (message.command) {
      case "CREATE":
        if (this.#types.size >= MAX_SETS) this.#types.clear();
        this.#put(name, message.typeName && text(message.typeName));
        break;
      case "DESTROY":
        if (message.setName) this.#types.delete(name);
        else this.#forgetAll(netns);
        break;
      case "RENAME":
        this.#put(second, type);
        this.#types.delete(name);
        break;
      case "SWAP": // types may differ: bitmap:ip and hash:ip both store addresses
        this.#put(name, this.#types.get(second));
        this.#put(second, type);
        break;
    }
  }

  #put(name: string, type: string | undefined): void {
    if (type === undefined) this.#types.delete(name);
    else this.#types.set(name, type);
  }

  #forgetAll(netns: number): void {
    const prefix = key(netns, undefined);
    for (const name of this.#types.keys()) if (name.startsWith(prefix)) this.#types.delete(name);
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const key = (netns: number, name: Uint8Array | undefined): string =>
  `${netns} ${text(name ?? new Uint8Array())}`;
