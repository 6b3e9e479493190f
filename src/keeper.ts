// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The process that opens the files of a mine, which starts it (src/host/file-keeper.ts). It ends with that mine.
import { closeSync, fstatSync, readSync } from "node:fs";
import { openContainerFile } from "./host/containers.ts";
import { type Datagram, UnixSocket } from "./host/ffi/unix-socket.ts";
import {
  ANSWER_BYTES,
  CONTAINER,
  KEEPER_SOCKET,
  type Kept,
  type KeptFile,
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

function answer(socket: UnixSocket, kept: Kept, { bytes, file }: Datagram): void {
  const [number = 0] = bytes;
  try {
    const fd = open(kept, bytes, file);
    try {
      if (fd === undefined) socket.send(Uint8Array.of(number));
      else socket.sendFile(fd, Uint8Array.of(number));
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  } catch (error) {
    const text = Buffer.from((error as Error).message);
    socket.send(Buffer.concat([Uint8Array.of(number), text.subarray(0, ANSWER_BYTES - 1)]));
  }
}

/** @param sent a file that came with the request. */
function open({ files, metrics }: Kept, request: Uint8Array, sent: number | undefined): number | undefined {
  const [, kind, index = 0] = request;
  try {
    if (kind === CONTAINER) return openContainerFile(Buffer.from(request.subarray(2)).toString());
    if (kind !== METRICS) return openLog(files[index], kind === ROTATE);
    if (metrics !== undefined && sent !== undefined) replaceFile(metrics, METRICS_MODE, contentOf(sent));
    return undefined;
  } finally {
    if (sent !== undefined) closeSync(sent);
  }
}

function contentOf(file: number): Uint8Array {
  const bytes = new Uint8Array(MAX_METRICS);
  return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
}

function openLog(file: KeptFile | undefined, isFull: boolean): number | undefined {
  if (!file) return undefined;
  if (isFull) rotateLogFile(file.path, file.keep);
  return openLogFile(file.path).fd;
}
