// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Tests that mine sees every command. It sends real ipset commands in a new network namespace, and compares each
// event with the kernel's reply on the socket. No result is fixed: on a kernel without the set type the replies are
// errors, and mine must see these.
// Events of the whole host arrive. Those of the test have the namespace, in which no other process is.

import { readClocks } from "bun-libbpf/ffi";
import { type MineEvent, readEvent } from "../events/event.ts";
import { NetlinkSocket } from "../host/ffi/netlink-socket.ts";
import { commandAttributes } from "../ipset/attribute-kinds.ts";
import type { Command } from "../ipset/message.ts";
import { type Outcome, readOutcome, sentenceOf } from "../ipset/outcome.ts";
import { readReplies } from "../ipset/replies.ts";
import { ipsetRequest, NLM_F_ACK, NLM_F_REQUEST } from "../ipset/request.ts";
import type { AuditRecord } from "../output/record.ts";
import { lossText } from "../output/run-text.ts";
import { Recorder } from "../trace/decode.ts";
import { readLosses } from "../trace/losses.ts";
import type { Session } from "../trace/session.ts";
import type { SelfTest, SelfTestCommand } from "./report.ts";
import { type Step, stepsWith, TYPE, typeQuery } from "./self-test-steps.ts";

const ANSWER_MS = 2000;
const EVENTS_MS = 2000;
const WAIT_MS = 100;

/** A command that was sent. */
interface Sent {
  step: Step;
  message: Uint8Array;
  /** Kernel's reply; undefined if none came in time. */
  answer: string | undefined;
  /** Result that mine saw; undefined before its event. */
  seen: string | undefined;
}

/** Runs the self-test. @throws CallError if mine cannot create a network namespace or a socket in it. */
export function selfTest(session: Session): SelfTest {
  using socket = NetlinkSocket.inOwnNamespace();
  const sent = sendAll(socket);
  watch(session, socket.netns, sent);
  const commands = sent.map(compared);
  const missed = commands.filter(({ agrees }) => !agrees).length;
  if (missed === 0) return { verdict: "passed", reason: null, message: null, commands };
  const lost = lossText(readLosses(session, { unreadable: 0, unwritten: 0 }));
  const message = `${missed} of ${commands.length} commands differ from the kernel's replies or were not seen; ${lost} events lost`;
  return { verdict: "failed", reason: "commands-missed", message, commands };
}

/** Sends all commands. The index in the list is the sequence number. */
function sendAll(socket: NetlinkSocket): Sent[] {
  const sent: Sent[] = [];
  const run = (step: Step): number => {
    const sequence = sent.length;
    const flags = NLM_F_REQUEST | NLM_F_ACK | (step.flags ?? 0);
    const message = ipsetRequest(step.command, { flags, sequence }, ...step.attributes);
    socket.send(message);
    const { answer, revision } = readAnswer(socket, sequence);
    sent.push({
      step,
      message,
      answer: answer === undefined ? undefined : resultText(step.command, answer),
      seen: undefined,
    });
    return revision;
  };
  for (const step of stepsWith(run(typeQuery))) run(step);
  return sent;
}

function readAnswer(
  socket: NetlinkSocket,
  sequence: number,
): { answer: number | undefined; revision: number } {
  let revision = 0;
  for (let datagram = socket.receive(ANSWER_MS); datagram; datagram = socket.receive(ANSWER_MS)) {
    for (const reply of readReplies(datagram).filter((reply) => reply.sequence === sequence)) {
      if (reply.answer !== undefined) return { answer: reply.answer, revision };
      const [number] = commandAttributes.revision;
      revision = reply.attributes.find(({ type }) => type === number)?.payload[0] ?? revision;
    }
  }
  return { answer: undefined, revision };
}

/** Reads events, with the code of a run, until there is one for each command. */
function watch(session: Session, netns: number, sent: readonly Sent[]): void {
  const recorder = new Recorder();
  const endMs = performance.now() + EVENTS_MS;
  while (sent.some(({ seen }) => seen === undefined) && performance.now() < endMs) {
    const { realtimeOffsetNs } = readClocks();
    const records = session.buffer.drain((view, at, size) => {
      const event = readEvent(view, at, size);
      if (event?.netns === netns) see(event, recorder.record(event, realtimeOffsetNs), sent);
      return true;
    });
    if (records === 0) session.buffer.wait(WAIT_MS);
  }
}

function see(event: MineEvent, { message, outcome }: AuditRecord, sent: readonly Sent[]): void {
  const one = sent[message.header?.sequence ?? -1];
  if (!one) return;
  if (one.seen !== undefined) one.seen = "more than once";
  else if (Buffer.compare(event.message, one.message) !== 0) one.seen = "another message";
  else one.seen = shortText(outcome);
}

const resultText = (command: Command, answer: number): string =>
  shortText(readOutcome(command, answer, TYPE));
const shortText = (outcome: Outcome): string =>
  outcome.status === "failure" ? outcome.error.name : (sentenceOf(outcome) ?? "success");

function compared({ step, answer, seen }: Sent): SelfTestCommand {
  const agrees = answer !== undefined && answer === seen;
  return { command: step.title, answer: answer ?? null, seen: seen ?? null, agrees };
}
