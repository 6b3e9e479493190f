// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Starts the keeper of files, and asks it for files. After its start mine can open no file to write, because it decodes
// untrusted input. The keeper is a process of its own (src/keeper.ts): it can, and decodes nothing.
import { closeSync } from "node:fs";
import { CallError } from "bun-libbpf/errors";
import { memoryFile } from "bun-libbpf/ffi";
import { unsupported } from "../errors.ts";
import { attempt } from "./attempt.ts";
import type { ContainerNames } from "./container-files.ts";
import { type Datagram, UnixSocket } from "./ffi/unix-socket.ts";

/** A file that the keeper opens. */
export interface KeptFile {
  path: string;
  /** Max number of older files. */
  keep: number;
}

export interface Kept {
  files: readonly KeptFile[];
  /** Path of the metrics. */
  metrics: string | undefined;
}

/** Command of the keeper, known to src/engine.ts. It has one argument: Kept as JSON. */
const KEEP_FILES = "keep-files";
/** Descriptor of the keeper's socket. */
export const KEEPER_SOCKET = 3;
/** Kinds of a request. */
export const REOPEN = 0;
export const ROTATE = 1;
export const CONTAINER = 2;
export const METRICS = 3;
/**
 * Max bytes of a request: its number, its kind, and then the index of a log file, the id of a container as text, or
 * nothing and a file with the metrics.
 */
export const REQUEST_BYTES = 2 + 64;
/** States of an answer. */
export const DONE = 0;
export const FAILED = 1;
/**
 * Max bytes of an answer: the number of the request, a state, and then the text of an error, the names of a container as
 * JSON, or nothing and a log file.
 */
export const ANSWER_BYTES = 16 * 1024;

const ENDED = "the process that opens files has ended";
/** Max wait for the first answer: the keeper may still be starting. */
const START_MS = 30_000;
/** Max wait for another answer. The keeper only renames files, and opens one. */
const ANSWER_MS = 1000;

export class FileKeeper implements AsyncDisposable {
  readonly #socket: UnixSocket;
  readonly #child: Bun.Subprocess;
  #requests = 0;
  #hasAnswered = false;

  private constructor(socket: UnixSocket, child: Bun.Subprocess) {
    this.#socket = socket;
    this.#child = child;
  }

  /** @throws MineError. */
  static start(kept: Kept): FileKeeper {
    const [socket, other] = attempt("make a socket", () => UnixSocket.pair());
    try {
      const child = Bun.spawn([process.execPath, KEEP_FILES, JSON.stringify(kept)], {
        argv0: "mine",
        cwd: "/",
        env: engineSettings(),
        stdio: ["ignore", "ignore", "inherit", other],
      });
      return new FileKeeper(socket, child);
    } catch (error) {
      socket[Symbol.dispose]();
      const message = `cannot start the process that opens files: ${(error as Error).message}`;
      throw unsupported("call-failed", message, error);
    } finally {
      closeSync(other);
    }
  }

  /**
   * Opens a log file by its path.
   * @param index index of the file.
   * @param isFull the earlier file gets another name first.
   * @returns its descriptor.
   * @throws Error with a sentence.
   */
  openLog(index: number, isFull: boolean): number {
    const { file } = this.#ask(isFull ? ROTATE : REOPEN, Uint8Array.of(index));
    if (file === undefined) throw new Error("the process that opens files has no such file");
    return file;
  }

  /** Returns the names that a runtime knows of a container. @throws Error with a sentence. */
  containerNames(id: string): ContainerNames {
    return JSON.parse(Buffer.from(this.#ask(CONTAINER, Buffer.from(id)).bytes).toString());
  }

  /** Replaces the file of the metrics. @throws Error with a sentence. */
  writeMetrics(text: string): void {
    const file = memoryFile("metrics", Buffer.from(text));
    try {
      this.#ask(METRICS, new Uint8Array(), file);
    } finally {
      closeSync(file);
    }
  }

  /** @returns the answer without its number and state. */
  #ask(kind: number, content: Uint8Array, sent?: number): Datagram {
    this.#requests = (this.#requests + 1) % 256;
    const request = Buffer.concat([Uint8Array.of(this.#requests, kind), content]);
    try {
      if (sent === undefined) this.#socket.send(request);
      else this.#socket.sendFile(sent, request);
    } catch (error) {
      throw error instanceof CallError && error.code === "EPIPE" ? new Error(ENDED) : error;
    }
    for (let answer = this.#receive(); answer; answer = this.#receive()) {
      const { bytes, file } = answer;
      const [number, state] = bytes;
      const content = bytes.subarray(2);
      if (bytes.length === 0) throw new Error(ENDED);
      if (number === this.#requests && state === DONE) return { bytes: content, file };
      if (number === this.#requests) throw new Error(Buffer.from(content).toString());
      if (file !== undefined) closeSync(file); // the late answer to an earlier request
    }
    throw new Error("the process that opens files does not answer");
  }

  #receive(): Datagram | undefined {
    const endMs = performance.now() + (this.#hasAnswered ? ANSWER_MS : START_MS);
    // A signal can end a wait.
    for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) {
      const answer = this.#socket.receive(Math.ceil(endMs - nowMs), ANSWER_BYTES);
      if (!answer) continue;
      this.#hasAnswered = true;
      return answer;
    }
    return undefined;
  }

  /** Ends the keeper. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket[Symbol.dispose]();
    await this.#child.exited;
  }
}

/** Returns the settings of the JavaScript engine, which are in the environment. */
const engineSettings = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("BUN_JSC_")));
