// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Asks the real libipset what ipset(8) says of an error that the kernel answered.
import { CString, dlopen } from "bun:ffi";
import { readFileSync } from "node:fs";

const library = "libipset.so.13";

function open() {
  try {
    return dlopen(library, {
      // struct ipset_session *ipset_session_init(ipset_print_outfn, void *p): sends nothing until it must
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

/** Its text for a number that its table does not have. */
const unknown = /^(Undecoded error \d+ received from kernel|Kernel error received: [A-Z.])/; // strerror(3)

/** @returns sentence(command, error): undefined where libipset has none of its own. */
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

/** The library's file: it holds also what it says only to those who have a set of the right type. */
export function libipsetFile(): Buffer {
  const { close } = open();
  const maps = readFileSync("/proc/self/maps", "utf8");
  close();
  const path = new RegExp(`/.*/${library}.*`).exec(maps)?.[0];
  if (!path) throw new Error(`${library} is open, but not in /proc/self/maps`);
  return readFileSync(path);
}
