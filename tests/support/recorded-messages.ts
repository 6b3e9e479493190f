// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The messages that the real ipset was seen to send: the last column of tests/fixtures/messages/messages.txt.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const recordedMessages: readonly Buffer[] = readFileSync(
  join(import.meta.dir, "../fixtures/messages/messages.txt"),
  "utf8",
)
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => Buffer.from(line.split("\t")[2] ?? "", "hex"));
