// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Messages that the real ipset sent, for every type of set (tests/fixtures/messages). The decoder must find
// the typed command, and the text that `ipset save` showed afterwards; never what this decoder once said.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type IpsetMessage, readIpsetMessage } from "../../src/ipset/message.ts";
import { formatOptions, formatParts } from "../support/lines.ts";

interface Recording {
  typed: string;
  /** Typed in another way than ipset writes it. */
  isLoose: boolean;
  saved: string | undefined;
  message: IpsetMessage;
}

const path = join(import.meta.dir, "../fixtures/messages/messages.txt");
const recordings: Recording[] = readFileSync(path, "utf8")
  .trimEnd()
  .split("\n")
  .filter((line) => !line.startsWith("#"))
  .map((line) => {
    // A backslash starts our escapes, so it is written twice; ipset has none.
    const [typed = "", saved = "", hex = ""] = line.replaceAll("\\", "\\\\").split("\t");
    return {
      typed: typed.replace(/^~ /, ""),
      isLoose: typed.startsWith("~ "),
      saved: saved === "-" ? undefined : saved,
      message: readIpsetMessage(Buffer.from(hex, "hex"), true),
    };
  });
const of = (...starts: string[]) =>
  recordings.filter(({ typed }) => starts.some((start) => typed.startsWith(start)));

const string = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

/** The lines that ipset would have to be given to send this. */
function lines(message: IpsetMessage): string[] {
  const { command = "", options = [], elements } = message;
  const start = [command.toLowerCase(), string(message.setName)];
  if (command === "CREATE") {
    return [[...start, string(message.typeName), formatOptions(options)].join(" ").trimEnd()];
  }
  return [...(elements ?? [])].map((element) =>
    [...start, formatParts(element), formatOptions(element.options)].join(" ").trimEnd(),
  );
}

test("every type of set was recorded, in each of its families", () => {
  const created = of("create ").map(({ message: { typeName, family } }) => `${string(typeName)} ${family}`);
  const hashes = ["ip", "ip,mac", "ip,mark", "ip,port", "ip,port,ip", "ip,port,net"];
  hashes.push("net", "net,iface", "net,net", "net,port", "net,port,net");
  const unspecified = ["hash:mac 0", "bitmap:port 0", "list:set 0"];
  const ofInet = ["bitmap:ip 2", "bitmap:ip,mac 2"];
  const ofBoth = hashes.flatMap((hash) => [`hash:${hash} 2`, `hash:${hash} 10`]);
  expect([...new Set(created)].sort()).toEqual([...unspecified, ...ofInet, ...ofBoth].sort());
});

test("all of every message is understood", () => {
  for (const { typed, message } of recordings) {
    const { malformed, unknown, elements } = message;
    const found = {
      typed,
      malformed,
      unknown,
      elements: [...(elements ?? [])].flatMap((element) => element.unknown),
    };
    expect(found).toEqual({ typed, malformed: undefined, unknown: undefined, elements: [] });
    expect(message.protocol).toBe(7);
  }
});

describe("reads the typed command", () => {
  const exact = of("create ", "add ", "del ", "test ", "-exist ").filter(({ isLoose }) => !isLoose);
  test.each(exact.map((recording) => [recording.typed, recording] as const))("%s", (typed, { message }) => {
    expect(lines(message)).toEqual([typed.replace("-exist ", "")]);
  });
});

/** Options that a set accepts, but `ipset save` (7.17) does not show. */
const unsaved = [" forceadd", ' comment ""', " skbprio 0:0", " skbqueue 0"];
/** A remaining time changes between two reads. */
const still = (line: string) => (line.startsWith("add ") ? line.replace(/timeout \d+/, "timeout N") : line);

/** Whether all words are there, in that order; the kernel adds others, such as the defaults of a set. */
function isWithin(words: string[], line: string[]): boolean {
  let at = 0;
  for (const word of line) if (word === words[at]) at += 1;
  return at === words.length;
}

describe("reads what the kernel then has", () => {
  const shown = recordings.filter(({ saved }) => saved !== undefined);
  test.each(shown.map((recording) => [recording.typed, recording] as const))(
    "%s",
    (_, { saved, message }) => {
      const [line = "", ...more] = lines(message);
      expect(more).toEqual([]);
      const kept = unsaved.reduce((text, option) => text.replace(option, ""), line);
      const words = still(kept).split(" ");
      if (!isWithin(words, still(saved ?? "").split(" "))) expect(kept).toBe(saved ?? "");
    },
  );
});

describe("reads every line of a batch", () => {
  const restored = of("restore ");
  test.each(restored.map((recording) => [recording.typed, recording] as const))(
    "%s",
    (typed, { message }) => {
      expect(lines(message)).toEqual(typed.replace("restore ", "").split(/; (?=add |del )/));
      const elements = [...(message.elements ?? [])];
      expect(elements.map(({ lineNumber }) => lineNumber)).toEqual(elements.map((_, at) => at + 1));
      expect(message.lineNumber).toBe(1);
    },
  );
});

test("-exist is told from its absence", () => {
  for (const { typed, message } of of("create ", "add ", "del ", "-exist ", "restore ")) {
    expect([typed, message.ignoresExisting]).toEqual([typed, typed.startsWith("-exist ")]);
  }
  expect(of("test ", "flush ", "list").map(({ message }) => message.ignoresExisting)).not.toContain(true);
});

test("commands without options or elements", () => {
  const told = of("rename ", "swap ", "flush", "list", "save", "destroy").map(({ typed, message }) => {
    const { command = "", setName, secondName, flags } = message;
    return [typed, [command, string(setName), string(secondName), flags ?? ""].join(" ").trimEnd()];
  });
  expect(told).toEqual([
    ["rename hi8 renamed", "RENAME hi8 renamed"],
    ["swap hi9 hi2", "SWAP hi9 hi2"],
    ["flush hi", "FLUSH hi"],
    ["flush", "FLUSH"],
    ["list hi", "LIST hi"],
    ["list -n", "LIST   2"],
    ["list -t hi", "LIST hi  4"],
    ["save", "SAVE"],
    ["save hi", "SAVE hi"],
    ["destroy ls", "DESTROY ls"],
    ["destroy", "DESTROY"],
  ]);
});

test("queries", () => {
  const told = of("query for ").map(({ message: { command, setName, typeName, family, protocol } }) => {
    return [command, string(setName), string(typeName), family, protocol];
  });
  expect(told).toEqual([
    ["PROTOCOL", "", "", undefined, 7],
    ["TYPE", "", "bitmap:ip", 2, 7],
    ["HEADER", "bi", "", undefined, 7],
  ]);
});
