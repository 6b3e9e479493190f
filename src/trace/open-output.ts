// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Opens the output of a run.
import { writeColoredText } from "../output/colored-text.ts";
import { writeJson } from "../output/json.ts";
import { LineOutput, type Output } from "../output/output.ts";
import { writeRunJson } from "../output/run-json.ts";
import { LineWriter } from "../output/stdout.ts";
import { writeText } from "../output/text.ts";
import type { Config } from "./config.ts";
import { journal, LogOutput, syslog } from "./log-output.ts";

/** @throws MineError if the output is not usable. */
export function openOutput({ output, color }: Config): Output {
  if (output === "journald") return new LogOutput(journal);
  if (output === "syslog") return new LogOutput(syslog);
  const lines = new LineWriter();
  if (output === "json") return new LineOutput(lines, writeJson, writeRunJson);
  return new LineOutput(lines, color && lines.isTerminal ? writeColoredText : writeText);
}
