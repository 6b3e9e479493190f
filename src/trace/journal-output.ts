// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Sends each record to systemd's journal. While the journal is away or takes nothing, one record waits here, and the
// others wait in the event buffer.
import { closeSync } from "node:fs";
import { CallError } from "bun-libbpf/errors";
import { memoryFile, seal } from "bun-libbpf/ffi";
import { unsupported } from "../errors.ts";
import { UnixSocket } from "../host/ffi/unix-socket.ts";
import { log } from "../log.ts";
import { ByteWriter } from "../output/byte-writer.ts";
import { writeJournal, writeRunJournal } from "../output/journal.ts";
import type { Output } from "../output/output.ts";
import type { AuditRecord, RunContext } from "../output/record.ts";
import type { RunRecord } from "../output/run-record.ts";

const SOCKET = "/run/systemd/journal/socket";
/** Pause between two attempts to reach a journal that is away. */
const RETRY_MS = 100;
const DATAGRAM_BYTES = 16 * 1024;

export class JournalOutput implements Output {
  readonly isClosed = false;
  writtenBytes = 0;
  readonly #path: string;
  readonly #datagram = new ByteWriter(DATAGRAM_BYTES);
  /** The datagram is a command. */
  #isCommand = false;
  #socket: UnixSocket | undefined;
  #isAway = false;

  /** Connects to the journal. @throws MineError if it is not there. */
  constructor(path = SOCKET) {
    this.#path = path;
    try {
      this.#socket = UnixSocket.connect(path);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw unsupported("no-journal", `cannot reach systemd's journal at ${path}: ${error.message}`, error);
    }
  }

  get isFull(): boolean {
    return !this.isWritten;
  }

  get isWritten(): boolean {
    return this.#datagram.length === 0;
  }

  add(record: AuditRecord, context: RunContext): void {
    this.#isCommand = true;
    writeJournal(this.#datagram, record, context);
    this.flush();
  }

  addRun(record: RunRecord, context: RunContext): void {
    this.#isCommand = false;
    writeRunJournal(this.#datagram, record, context);
    this.flush();
  }

  /** Sends the record that waits. */
  flush(): void {
    if (this.isWritten) return;
    try {
      this.#socket ??= UnixSocket.connect(this.#path);
      const bytes = this.#datagram.written();
      send(this.#socket, bytes);
      this.writtenBytes += bytes.length;
      this.#datagram.dropFirst(bytes.length);
      if (this.#isAway) log.warn("systemd's journal is back");
      this.#isAway = false;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error.code === "EAGAIN") return; // its queue is full
      this.#socket?.[Symbol.dispose]();
      this.#socket = undefined;
      if (!this.#isAway) log.warn(`systemd's journal is away, and events wait: ${error.message}`);
      this.#isAway = true;
    }
  }

  wait(timeoutMs: number): void {
    if (this.#socket) this.#socket.wait(timeoutMs);
    else Bun.sleepSync(Math.min(timeoutMs, RETRY_MS));
  }

  countUnwritten(): number {
    return this.#isCommand && !this.isWritten ? 1 : 0;
  }
}

/** Sends a record; one that is too long for a datagram as a sealed file, as the protocol has it. @throws CallError. */
function send(socket: UnixSocket, bytes: Uint8Array): void {
  try {
    socket.send(bytes);
  } catch (error) {
    if (!(error instanceof CallError && error.code === "EMSGSIZE")) throw error;
    const file = memoryFile("journal", bytes);
    try {
      seal(file);
      socket.sendFile(file);
    } finally {
      closeSync(file);
    }
  }
}
