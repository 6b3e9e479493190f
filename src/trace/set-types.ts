// The types of the sets, as far as they were seen being created: some error numbers mean something else to
// each type, and only CREATE says the type.
import type { Command, IpsetMessage } from "../ipset/message.ts";
import type { Outcome } from "../ipset/outcome.ts";

/** What changes which set has which type. */
const commands: ReadonlySet<Command | undefined> = new Set(["CREATE", "DESTROY", "RENAME", "SWAP"] as const);

/** More sets than this are forgotten, all at once: a hint is lost, nothing else. */
const MOST = 65536;

export class SetTypes {
  /** By network namespace and name. */
  readonly #types = new Map<string, string>();

  of(netns: number, { typeName, setName }: IpsetMessage): string | undefined {
    return typeName ? text(typeName) : this.#types.get(key(netns, setName));
  }

  learn(netns: number, message: IpsetMessage, { succeeded, isUnknown }: Outcome): void {
    if (!commands.has(message.command)) return;
    const name = key(netns, message.setName);
    const second = key(netns, message.secondName);
    if (isUnknown) {
      // It may have been done, or not: what was known of its sets is known no longer.
      if (message.setName) for (const named of [name, second]) this.#types.delete(named);
      else this.#forgetAll(netns);
    }
    if (!succeeded) return;
    const type = this.#types.get(name);
    switch (message.command) {
      case "CREATE":
        if (this.#types.size >= MOST) this.#types.clear();
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
      case "SWAP": // of different types, if they store the same: bitmap:ip and hash:ip
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
