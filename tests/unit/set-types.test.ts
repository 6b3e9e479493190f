// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The known types of sets follow the successful commands, in each network namespace for itself.
import { expect, test } from "bun:test";
import type { Command, IpsetMessage } from "../../src/ipset/message.ts";
import type { Outcome } from "../../src/ipset/outcome.ts";
import { SetTypes } from "../../src/trace/set-types.ts";
import { failureWith } from "../support/records.ts";

const message = (command: Command, set?: string, other: Partial<IpsetMessage> = {}): IpsetMessage => ({
  command,
  commandNumber: 0,
  setName: set === undefined ? undefined : Buffer.from(set, "latin1"),
  ...other,
});
const create = (set: string, type: string) => message("CREATE", set, { typeName: Buffer.from(type) });
const pair = (command: Command, set: string, second: string) =>
  message(command, set, { secondName: Buffer.from(second) });

class Host {
  readonly #types = new SetTypes();

  /** @returns itself. */
  did(what: IpsetMessage, { netns = 1, ...outcome }: { netns?: number } & Partial<Outcome> = {}): this {
    this.#types.learn(netns, what, { status: "success", ...outcome } as Outcome);
    return this;
  }

  type(set: string, netns = 1): string | undefined {
    return this.#types.of(netns, message("ADD", set));
  }
}

test("a set has the type with which it was created, last", () => {
  const host = new Host().did(create("a", "hash:ip")).did(create("b", "list:set"));
  expect([host.type("a"), host.type("b"), host.type("c"), host.type("")]).toEqual([
    "hash:ip",
    "list:set",
    undefined,
    undefined,
  ]);
  expect(host.did(create("a", "bitmap:port")).type("a")).toBe("bitmap:port");
});

test("a message that says the type itself is believed", () => {
  const types = new SetTypes();
  types.learn(1, create("a", "hash:ip"), { status: "success" });
  expect(types.of(1, create("a", "bitmap:ip"))).toBe("bitmap:ip");
  expect(types.of(1, message("TYPE", undefined, { typeName: Buffer.from("hash:mac") }))).toBe("hash:mac");
  expect(types.of(1, message("FLUSH"))).toBeUndefined();
});

test("after what may have been done or not, the types of its sets are not known", () => {
  const known = () => new Host().did(create("a", "hash:ip")).did(create("b", "list:set"));
  const types = (host: Host) => [host.type("a"), host.type("b"), host.type("c")];
  const after = (what: IpsetMessage) => types(known().did(what, { status: "unknown" }));
  expect(after(create("a", "bitmap:ip"))).toEqual([undefined, "list:set", undefined]);
  expect(after(message("DESTROY", "b"))).toEqual(["hash:ip", undefined, undefined]);
  expect(after(pair("SWAP", "a", "b"))).toEqual([undefined, undefined, undefined]);
  expect(after(pair("RENAME", "a", "c"))).toEqual([undefined, "list:set", undefined]);
  expect(after(message("DESTROY"))).toEqual([undefined, undefined, undefined]);
});

test("what failed changes nothing", () => {
  const failed = failureWith("X");
  const host = new Host().did(create("a", "hash:ip"));
  host.did(create("a", "bitmap:ip"), failed).did(create("b", "hash:ip"), failed);
  host
    .did(pair("RENAME", "a", "c"), failed)
    .did(pair("SWAP", "a", "c"), failed)
    .did(message("DESTROY", "a"), failed);
  expect([host.type("a"), host.type("b"), host.type("c")]).toEqual(["hash:ip", undefined, undefined]);
});

test("namespaces have nothing to do with each other", () => {
  const host = new Host()
    .did(create("a", "hash:ip"), { netns: 11 })
    .did(create("a", "list:set"), { netns: 1 });
  expect([host.type("a", 11), host.type("a", 1), host.type("1 a", 1)]).toEqual([
    "hash:ip",
    "list:set",
    undefined,
  ]);
  host.did(message("DESTROY", "a"), { netns: 11 });
  expect([host.type("a", 11), host.type("a", 1)]).toEqual([undefined, "list:set"]);
});

test("names are bytes", () => {
  const host = new Host().did(create("\xff", "hash:ip")).did(create("\xfe", "list:set"));
  expect([host.type("\xff"), host.type("\xfe"), host.type("\ufffd")]).toEqual([
    "hash:ip",
    "list:set",
    undefined,
  ]);
});

test("a set that was renamed keeps its type, and gives up its name", () => {
  const host = new Host().did(create("a", "hash:ip")).did(pair("RENAME", "a", "b"));
  expect([host.type("a"), host.type("b")]).toEqual([undefined, "hash:ip"]);
  // The type of a set whose creation was not seen is unknown, and so is the type of a set that had its name
  // before.
  host.did(pair("RENAME", "unseen", "b"));
  expect(host.type("b")).toBeUndefined();
});

test("sets that were swapped swap their types: bitmap:ip and hash:ip may be", () => {
  const host = new Host()
    .did(create("a", "hash:ip"))
    .did(create("b", "bitmap:ip"))
    .did(pair("SWAP", "a", "b"));
  expect([host.type("a"), host.type("b")]).toEqual(["bitmap:ip", "hash:ip"]);
  host.did(pair("SWAP", "b", "unseen"));
  expect([host.type("b"), host.type("unseen")]).toEqual([undefined, "hash:ip"]);
});

test("a set that was destroyed has no type, nor has any when all were", () => {
  const host = new Host()
    .did(create("a", "hash:ip"))
    .did(create("b", "hash:ip"))
    .did(create("b", "list:set"), { netns: 11 });
  host.did(message("FLUSH")).did(message("DESTROY", "a"));
  expect([host.type("a"), host.type("b")]).toEqual([undefined, "hash:ip"]);
  host.did(message("DESTROY"));
  expect([host.type("b"), host.type("b", 11)]).toEqual([undefined, "list:set"]);
});

test("memory has an end", () => {
  const host = new Host();
  for (let number = 0; number < 65_536; number++) host.did(create(`set${number}`, "hash:ip"));
  expect(host.type("set0")).toBe("hash:ip");
  host.did(create("one more", "list:set"));
  expect([host.type("set0"), host.type("one more")]).toEqual([undefined, "list:set"]);
});
