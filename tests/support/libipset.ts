// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Asks the real libipset for the sentence that ipset(8) prints for an error of the kernel.
import { CString, dlopen } from "bun:ffi";
import { readFileSync } from "node:fs";

const library = "libipset.so.13";

function open() {
  try {
    return dlopen(library, {
      // struct ipset_session *ipset_session_init(ipset_print_outfn, void *p): sends no message by itself
      ipset_session_init: { args: ["ptr", "ptr"], returns: "ptr" },
      // int ipset_errcode(struct ipset_session *, enum ipset_cmd, int errcode)
      ipset_errcode: { args: ["ptr", "i32", "i32"], returns: "i32" },
      ipset_session_report_msg: { args: ["ptr"], returns: "ptr" },
      ipset_session_report_reset: { args: ["ptr"], returns: "void" },
      ipset_session_fini: { args: ["ptr"], returns: "i32" },
    });
  } catch (cause) {
    throw new Error(`${library} cannot be opened: install ipset ('make setup' does)`, { cause });
  }
}

/** libipset's text for a number without a sentence in its table. */
const unknown = /^(Undecoded error \d+ received from kernel|Kernel error received: [A-Z.])/; // strerror(3)

/** Opens libipset. @returns sentence(command, error), which returns undefined if libipset has no sentence. */
export function openLibipset() {
  const { symbols: lib, close } = open();
  const session = lib.ipset_session_init(null, null);
  if (!session) throw new Error(`${library} makes no session`);
  return {
    sentence: (command: number, error: number): string | undefined => {
      lib.ipset_session_report_reset(session);
      lib.ipset_errcode(session, command, error);
      const report = lib.ipset_session_report_msg(session);
      const text = report ? new CString(report).toString().trimEnd() : "";
      return unknown.test(text) ? undefined : text;
    },
    [Symbol.dispose]: () => {
      lib.ipset_session_fini(session);
      close();
    },
  };
}

/** Reads the library's file. It also holds sentences that libipset uses only for a set of a certain type. */
export function libipsetFile(): Buffer {
  const { close } = open();
  const maps = readFileSync("/proc/self/maps", "utf8");
  close();
  const path = new RegExp(`/.*/${library}.*`).exec(maps)?.[0];
  if (!path) throw new Error(`${library} is open, but not in /proc/self/maps`);
  return readFileSync(path);
}
