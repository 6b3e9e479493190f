// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Opens the outputs of a run.
import { closeSync, fstatSync } from "node:fs";
import { unsupported } from "../errors.ts";
import { hasRuntime } from "../host/container-files.ts";
import { FileKeeper } from "../host/file-keeper.ts";
import { ForeignFileError, openLogFile } from "../host/log-file.ts";
import { writeColoredText } from "../output/colored-text.ts";
import { writeJson } from "../output/json.ts";
import { LineWriter, type Opener, type Target } from "../output/line-writer.ts";
import { LineOutput, type Output } from "../output/output.ts";
import { writeRunJson } from "../output/run-json.ts";
import { endHalfLine, isStdoutTerminal, stdout } from "../output/stdout.ts";
import { writeText } from "../output/text.ts";
import type { Config, OutputConfig } from "./config.ts";
import { journal, LogOutput, syslog } from "./log-output.ts";

/** Returns the paths of the files. */
const filesOf = ({ outputs }: Config): string[] =>
  outputs.map(({ path }) => path).filter((path) => path !== undefined);

/** Starts the keeper, if a file can change during the run, or if containers have names. @throws MineError. */
export function startKeeper(config: Config): FileKeeper | undefined {
  const { rotation, service, isDetailed } = config;
  const metrics = config.metrics && "file" in config.metrics ? config.metrics.file : undefined;
  const files = filesOf(config).map((path) => ({ path, keep: rotation?.keep ?? 0 }));
  const mayChange = files.length > 0 && (rotation !== undefined || service.socket !== undefined);
  const isNeeded = mayChange || metrics !== undefined || (isDetailed && hasRuntime());
  return isNeeded ? FileKeeper.start({ files, metrics }) : undefined;
}

/** Opens all outputs. @throws MineError if one is not usable. */
export function openOutputs(config: Config, keeper: FileKeeper | undefined): Output[] {
  const files = filesOf(config);
  const maxBytes = config.rotation?.maxBytes ?? Number.POSITIVE_INFINITY;
  return config.outputs.map((output) => {
    if (output.format === "journald") return new LogOutput(journal);
    if (output.format === "syslog") return new LogOutput(syslog);
    const { path } = output;
    if (path === undefined) return lineOutput(output, stdout(), config.color && isStdoutTerminal());
    const target = openFile(path);
    const open = keeper && keptFile(keeper, files.indexOf(path), target);
    return lineOutput(output, new LineWriter(path, target, open && { maxBytes, open }), false);
  });
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

function toTarget(fd: number): Target {
  const stat = fstatSync(fd);
  const size = stat.isFile() ? stat.size : undefined;
  if (size !== undefined) endHalfLine(fd, size);
  return { fd, size, mayBlock: false };
}

/** Returns a function that opens a file through the keeper, and then closes the earlier one. */
function keptFile(keeper: FileKeeper, index: number, first: Target): Opener["open"] {
  let current = first;
  return (isFull) => {
    const next = toTarget(keeper.openLog(index, isFull));
    closeSync(current.fd);
    current = next;
    return next;
  };
}
