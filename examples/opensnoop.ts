// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Prints each file that a process opens, until Ctrl-C:   sudo ./opensnoop [PID]
import { readFileSync } from "node:fs";
import { open, openEventBuffer, structOf } from "bun-libbpf";
import object from "../.output/examples/opensnoop.bpf.o" with { type: "file" };
import { event, opensnoop } from "./opensnoop.skel.ts";

const Event = structOf(event);
const decoder = new TextDecoder();
/** Decodes untrusted input and replaces control characters, because a terminal interprets them. */
const text = (bytes: Uint8Array): string => decoder.decode(bytes).replaceAll(/\p{C}/gu, "?");

using opened = open(opensnoop, readFileSync(object));
opened.rodata.target = Number(process.argv[2] ?? 0);
using loaded = opened.load();
using buffer = openEventBuffer(loaded.maps.events);
using links = loaded.attach();

let isStopped = false;
process.on("SIGINT", () => {
  isStopped = true;
});
console.error("Tracing... Hit Ctrl-C to end.");

function print(view: DataView, at: number): boolean {
  const { pid, result, comm, path } = new Event(view, at);
  console.log(`${pid}\t${text(comm)}\t${result}\t${text(path)}`);
  return true;
}

while (!isStopped) {
  buffer.drain(print);
  buffer.wait(100);
  await Bun.sleep(1); // lets signal handlers run
}
links.dispose(); // no new events
buffer.drain(print);
