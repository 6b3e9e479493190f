// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The process that opens the files of a mine, which starts it (src/host/file-keeper.ts). It ends with that mine.
import { closeSync, fstatSync } from "node:fs";
import { openContainerFile } from "./host/containers.ts";
import { UnixSocket } from "./host/ffi/unix-socket.ts";
import {
  ANSWER_BYTES,
  CONTAINER,
  KEEPER_SOCKET,
  type KeptFile,
  REQUEST_BYTES,
  ROTATE,
} from "./host/file-keeper.ts";
import { openLogFile, rotateLogFile } from "./host/log-file.ts";

/** Opens files until the end of the mine. @returns false if no mine has started this process. */
export function keepFiles(): boolean {
  if (!isSocket(KEEPER_SOCKET)) return false;
  const files: KeptFile[] = JSON.parse(process.argv[3] ?? "[]");
  // A signal to the whole process group or service ends mine, and the end of mine ends this process.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]) process.on(signal, () => {});
  using socket = new UnixSocket(KEEPER_SOCKET);
  for (;;) {
    const request = socket.receive(-1, REQUEST_BYTES);
    if (request?.bytes.length === 0) return true;
    if (request) answer(socket, files, request.bytes);
  }
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}

function answer(socket: UnixSocket, files: readonly KeptFile[], request: Uint8Array): void {
  const [number = 0, kind = 0, index = 0] = request;
  try {
    const fd =
      kind === CONTAINER
        ? openContainerFile(Buffer.from(request.subarray(2)).toString())
        : openLog(files[index], kind === ROTATE);
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

function openLog(file: KeptFile | undefined, isFull: boolean): number | undefined {
  if (!file) return undefined;
  if (isFull) rotateLogFile(file.path, file.keep);
  return openLogFile(file.path).fd;
}
