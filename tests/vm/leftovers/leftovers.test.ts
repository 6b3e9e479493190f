// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Probes that mine leaves behind. Two mine at once do not disturb each other. The next mine sweeps the probes of a
// killed one. A mine whose reader goes away ends normally.
import { beforeAll, expect, test } from "bun:test";
import { readSummary, readWarnings } from "../../support/stderr.ts";
import { findKernel } from "../kernels.ts";
import { runSession, type Session } from "../session.ts";

const row = findKernel("5.10");
/** CAP_BPF, which came with the ring buffer (5.8); before, CAP_SYS_ADMIN. */
const kept = row.transport === "ring" ? "0000008000000000" : "0000000000200000";

let session: Session;

beforeAll(async () => {
  session = await runSession("leftovers/guest.sh", row);
}, 300_000);

const text = (name: string) => session.text(name);

/** Returns the names of the mine processes that have probes in tracefs. */
function owners(when: string): string[] {
  const names = [...text(`probes.${when}`).matchAll(/^[pr]\d*:(mine_\d+)\//gm)].map(
    ([, group]) => group ?? "",
  );
  return [...new Set(names)].sort();
}
const group = (name: string) => `mine_${text(`${name}.pid`)}`;

test("the session ran to its end", () => {
  // The shell reports each killed process.
  expect(`${session.exitCode} ${text("stderr")}`).toMatch(/^0 Killed(\nKilled){7}$/);
});

test("a killed mine leaves its probes, and the next one sweeps them, at any moment of the kill", () => {
  expect(owners("with-one")).toEqual([group("killed")]);
  expect(owners("after-kill")).toEqual([group("killed")]);
  expect(owners("after-sweep")).toEqual([group("first")]);
});

test("drops the privileges that reading events does not need", () => {
  expect(text("first.threads")).toBe("NoNewPrivs:\t1\nSeccomp:\t2"); // of all threads
  expect(text("first.status")).toMatch(new RegExp(`^CapEff:\\t${kept}$`, "m"));
});

test("two mine at once both report a command, and the end of one leaves the other alone", () => {
  for (const name of ["first", "second"])
    expect(text(`${name}.stdout`)).toContain("CREATE both (type: hash:ip)");
  expect(owners("one-ended")).toEqual([group("first")]);
  expect(owners("all-ended")).toEqual([]);
});

test("ends normally when its reader goes away, and leaves nothing behind", () => {
  expect(text("pipe.line")).toContain("CREATE first (type: hash:ip) - SUCCESS");
  expect(text("pipe.exit")).toBe("0");
  expect(readSummary(text("pipe.stderr"))).toMatchObject({ lost: 0 });
  expect(readWarnings(text("pipe.stderr"))).toEqual([]);
  expect(owners("reader-gone")).toEqual([]);
});
