// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Holds messages recorded from the real ipset: the last column of tests/fixtures/messages/messages.txt.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const recordedMessages: readonly Buffer[] = readFileSync(
  join(import.meta.dir, "../fixtures/messages/messages.txt"),
  "utf8",
)
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => Buffer.from(line.split("\t")[2] ?? "", "hex"));
