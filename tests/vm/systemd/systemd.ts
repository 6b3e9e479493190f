// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// systemd and its journal for a test machine, from this host's package.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { VmError } from "../../support/vm-error.ts";

const programs = [
  "/lib/systemd/systemd",
  "/lib/systemd/systemd-journald",
  "/usr/bin/systemctl",
  "/usr/bin/journalctl",
];
/** Separate programs of newer versions. */
const newer = ["/lib/systemd/systemd-executor"];
const units = [
  ...[
    "basic",
    "sysinit",
    "sockets",
    "timers",
    "paths",
    "slices",
    "local-fs",
    "swap",
    "shutdown",
    "umount",
    "final",
  ].map((name) => `${name}.target`),
  ...["systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket"],
].map((name) => `/lib/systemd/system/${name}`);

/** Returns the files of systemd, and the units of the test: path in the machine → path here. */
export function systemdFiles(): Record<string, string> {
  const missing = [...programs, ...units].find((path) => !existsSync(path));
  if (missing) throw new VmError(`the test machine needs ${missing}\n'make setup' installs systemd`);
  const own = join(import.meta.dir, "machine");
  return Object.fromEntries([
    ...[...programs, ...newer.filter(existsSync), ...units].map((path) => [path, path]),
    ...readdirSync(own).map((name) => [`/etc/systemd/system/${name}`, join(own, name)]),
  ]);
}
