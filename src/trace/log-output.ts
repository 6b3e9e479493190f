// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Sends each record to a log of the host, as a datagram. While the log is away or takes nothing, one record waits here,
// and the others wait in the event buffer.
import { closeSync } from "node:fs";
import { CallError } from "bun-libbpf/errors";
import { memoryFile, seal } from "bun-libbpf/ffi";
import { type Reason, unsupported } from "../errors.ts";
import { UnixSocket } from "../host/ffi/unix-socket.ts";
import { ByteWriter } from "../output/byte-writer.ts";
import { writeJournal, writeRunJournal } from "../output/journal.ts";
import type { Output, RecordWriter } from "../output/output.ts";
import type { AuditRecord, RunContext } from "../output/record.ts";
import type { RunRecord, RunRecordWriter } from "../output/run-record.ts";
import { syslogWriters } from "../output/syslog.ts";

/** A log of the host. */
export interface HostLog {
  /** For people. */
  name: string;
  /** Path of its datagram socket. */
  path: string;
  /** Reason of the error if it is missing at the start. */
  missing: Reason;
  write: RecordWriter;
  writeRun: RunRecordWriter;
  /** Sends a record. @throws CallError. */
  send: (socket: UnixSocket, bytes: Uint8Array) => void;
}

export const journal: HostLog = {
  name: "systemd's journal",
  path: "/run/systemd/journal/socket",
  missing: "no-journal",
  write: writeJournal,
  writeRun: writeRunJournal,
  send: sendToJournal,
};

export const syslog: HostLog = {
  name: "the system log",
  path: "/dev/log",
  missing: "no-syslog",
  ...syslogWriters(process.pid),
  send: (socket, bytes) => socket.send(bytes),
};

/** Pause between two attempts to reach a log that is away. */
const RETRY_MS = 100;
const DATAGRAM_BYTES = 16 * 1024;

export class LogOutput implements Output {
  readonly takesRun = true;
  readonly isClosed = false;
  writtenBytes = 0;
  trouble: string | undefined;
  readonly #log: HostLog;
  readonly #datagram = new ByteWriter(DATAGRAM_BYTES);
  /** The datagram is a command. */
  #isCommand = false;
  #socket: UnixSocket | undefined;

  /** Connects to the log. @throws MineError if it is not there. */
  constructor(hostLog: HostLog) {
    this.#log = hostLog;
    const { name, path, missing } = hostLog;
    try {
      this.#socket = UnixSocket.connect(path);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      throw unsupported(missing, `cannot reach ${name} at ${path}: ${error.message}`, error);
    }
  }

  get name(): string {
    return this.#log.name;
  }

  get isFull(): boolean {
    return !this.isWritten;
  }

  get isWritten(): boolean {
    return this.#datagram.length === 0;
  }

  add(record: AuditRecord, context: RunContext): void {
    this.#isCommand = true;
    this.#log.write(this.#datagram, record, context);
    this.flush();
  }

  addRun(record: RunRecord, context: RunContext): void {
    this.#isCommand = false;
    this.#log.writeRun(this.#datagram, record, context);
    this.flush();
  }

  /** Sends the record that waits. */
  flush(): void {
    if (this.isWritten) return;
    try {
      this.#socket ??= UnixSocket.connect(this.#log.path);
      const bytes = this.#datagram.written();
      this.#log.send(this.#socket, bytes);
      this.writtenBytes += bytes.length;
      this.#datagram.dropFirst(bytes.length);
      this.trouble = undefined;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error.code === "EAGAIN") return; // its queue is full
      this.#socket?.[Symbol.dispose]();
      this.#socket = undefined;
      this.trouble = error.message;
    }
  }

  wait(timeoutMs: number): void {
    if (this.#socket) this.#socket.wait(timeoutMs);
    else Bun.sleepSync(Math.min(timeoutMs, RETRY_MS));
  }

  /** A log has no file of mine. */
  reopen(): void {}

  countUnwritten(): number {
    return this.#isCommand && !this.isWritten ? 1 : 0;
  }
}

/** Sends a record; one that is too long for a datagram as a sealed file, as the protocol has it. @throws CallError. */
function sendToJournal(socket: UnixSocket, bytes: Uint8Array): void {
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
