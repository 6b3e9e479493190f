// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Opens the outputs of a run.
import { closeSync } from "node:fs";
import { unsupported } from "../errors.ts";
import { FileKeeper } from "../host/file-keeper.ts";
import { describeLogFile, ForeignFileError, type LogFile, openLogFile } from "../host/log-file.ts";
import { writeColoredText } from "../output/colored-text.ts";
import { writeJson } from "../output/json.ts";
import { LineWriter, type Opener, type Target } from "../output/line-writer.ts";
import { LineOutput, type Output } from "../output/output.ts";
import { writeRunJson } from "../output/run-json.ts";
import { endHalfLine, isStdoutTerminal, stdout } from "../output/stdout.ts";
import { writeText } from "../output/text.ts";
import type { Config, OutputConfig } from "./config.ts";
import { journal, LogOutput, syslog } from "./log-output.ts";

export interface Outputs extends AsyncDisposable {
  outputs: Output[];
}

/** An output to a file. */
type FileConfig = OutputConfig & { path: string };

/**
 * Opens all outputs. Only files that can change during the run need a keeper.
 * @throws MineError if one is not usable.
 */
export function openOutputs({ outputs, color, rotation, service }: Config): Outputs {
  const files = outputs.filter((output): output is FileConfig => output.path !== undefined);
  const opened = new Map(files.map((file) => [file, openFile(file.path)]));
  const mayChange = rotation !== undefined || service.socket !== undefined;
  const { maxBytes = Number.POSITIVE_INFINITY, keep = 0 } = rotation ?? {};
  const keeper =
    files.length > 0 && mayChange ? FileKeeper.start(files.map(({ path }) => ({ path, keep }))) : undefined;
  return {
    outputs: outputs.map((output) => {
      if (output.format === "journald") return new LogOutput(journal);
      if (output.format === "syslog") return new LogOutput(syslog);
      const target = opened.get(output as FileConfig);
      if (!target) return lineOutput(output, stdout(), color && isStdoutTerminal());
      const open = keeper && keptFile(keeper, files.indexOf(output as FileConfig), target);
      const lines = new LineWriter(output.path ?? "", target, open && { maxBytes, open });
      return lineOutput(output, lines, false);
    }),
    [Symbol.asyncDispose]: async () => await keeper?.[Symbol.asyncDispose](),
  };
}

function lineOutput({ format }: OutputConfig, lines: LineWriter, isColored: boolean): Output {
  if (format === "json") return new LineOutput(lines, writeJson, writeRunJson);
  return new LineOutput(lines, isColored ? writeColoredText : writeText);
}

function openFile(path: string): Target {
  try {
    return toTarget(openLogFile(path));
  } catch (error) {
    const reason = error instanceof ForeignFileError ? "foreign-file" : "cannot-write";
    throw unsupported(reason, `cannot write to ${path}: ${(error as Error).message}`, error);
  }
}

function toTarget({ fd, size }: LogFile): Target {
  if (size !== undefined) endHalfLine(fd, size);
  return { fd, size, mayBlock: false };
}

/** Returns a function that opens a file through the keeper, and then closes the earlier one. */
function keptFile(keeper: FileKeeper, index: number, first: Target): Opener["open"] {
  let current = first;
  return (isFull) => {
    const next = toTarget(describeLogFile(keeper.open(index, isFull)));
    closeSync(current.fd);
    current = next;
    return next;
  };
}
