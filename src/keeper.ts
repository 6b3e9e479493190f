// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The process that opens the files of a mine, which starts it (src/host/file-keeper.ts). It ends with that mine.
import { closeSync, fstatSync, readSync } from "node:fs";
import { containerNames } from "./host/container-files.ts";
import { type Datagram, UnixSocket } from "./host/ffi/unix-socket.ts";
import {
  ANSWER_BYTES,
  CONTAINER,
  DONE,
  FAILED,
  KEEPER_SOCKET,
  type Kept,
  METRICS,
  REQUEST_BYTES,
  ROTATE,
} from "./host/file-keeper.ts";
import { openLogFile, rotateLogFile } from "./host/log-file.ts";
import { replaceFile } from "./host/replace-file.ts";

/** Max bytes of the metrics, and more than they can have. */
const MAX_METRICS = 64 * 1024;
/** Every user may read the metrics, as the node_exporter has one of its own. */
const METRICS_MODE = 0o644;

/** Opens files until the end of the mine. @returns false if no mine has started this process. */
export function keepFiles(): boolean {
  if (!isSocket(KEEPER_SOCKET)) return false;
  const kept: Kept = JSON.parse(process.argv[3] ?? "");
  // A signal to the whole process group or service ends mine, and the end of mine ends this process.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]) process.on(signal, () => {});
  using socket = new UnixSocket(KEEPER_SOCKET);
  for (;;) {
    const request = socket.receive(-1, REQUEST_BYTES);
    if (request?.bytes.length === 0) return true;
    if (request) answer(socket, kept, request);
  }
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

function answer(socket: UnixSocket, kept: Kept, request: Datagram): void {
  const [number = 0] = request.bytes;
  const begin = (state: number) => Uint8Array.of(number, state);
  let opened: number | undefined;
  try {
    const { text = "", file } = done(kept, request);
    opened = file;
    const bytes = Buffer.concat([begin(DONE), Buffer.from(text)]);
    if (file === undefined) socket.send(bytes);
    else socket.sendFile(file, bytes);
  } catch (error) {
    const text = Buffer.from((error as Error).message);
    socket.send(Buffer.concat([begin(FAILED), text.subarray(0, ANSWER_BYTES - 2)]));
  } finally {
    for (const file of [opened, request.file]) if (file !== undefined) closeSync(file);
  }
}

/** Does what a request asks for. @returns the content of the answer. @throws Error with a sentence. */
function done({ files, metrics }: Kept, { bytes, file }: Datagram): { text?: string; file?: number } {
  const [, kind, index = 0] = bytes;
  if (kind === CONTAINER) {
    return { text: JSON.stringify(containerNames(Buffer.from(bytes.subarray(2)).toString())) };
  }
  if (kind === METRICS) {
    if (metrics !== undefined && file !== undefined) replaceFile(metrics, METRICS_MODE, contentOf(file));
    return {};
  }
  const log = files[index];
  if (!log) throw new Error(`there is no file ${index}`);
  if (kind === ROTATE) rotateLogFile(log.path, log.keep);
  return { file: openLogFile(log.path) };
}

function contentOf(file: number): Uint8Array {
  const bytes = new Uint8Array(MAX_METRICS);
  return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
}
