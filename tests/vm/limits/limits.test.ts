// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// A low limit of locked memory, as services and containers have it: mine makes its buffers smaller and still traces.
import { beforeAll, expect, test } from "bun:test";
import { complete, readSummary } from "../../support/stderr.ts";
import { runSession, type Session } from "../session.ts";

const backends = ["kprobe"];
let session: Session;

beforeAll(async () => {
  const kernel = { suite: "bullseye", series: "5.10" };
  session = await runSession("limits/guest.sh", kernel, {
    programs: ["setpriv"],
    env: { BACKENDS: backends.join() },
  });
}, 300_000);

const text = (name: string) => session.text(name);

test("the session ran to its end", () => {
  expect(`${session.exitCode} ${text("stderr")}`).toBe("0 ");
});

test.each(backends.flatMap((backend) => ["here", "4.15"].map((kernel) => [backend, kernel] as const)))(
  "mine traces within 8 MiB of locked memory: %s, kernel %s",
  (backend, kernel) => {
    const name = `${backend}-${kernel}`;
    expect(text(`${name}.limit`)).toMatch(/ 8388608 +8388608 /);
    expect(text(`${name}.stdout`).match(/(CREATE|DESTROY) small/g)).toEqual([
      "CREATE small",
      "DESTROY small",
    ]);
    expect(readSummary(text(`${name}.stderr`))).toEqual(complete(2));
  },
);
