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
  const own = join(import.meta.dir, "machine");
  return {
    ...hostFiles([...programs, ...newer.filter(existsSync), ...units]),
    ...Object.fromEntries(readdirSync(own).map((name) => [`/etc/systemd/system/${name}`, join(own, name)])),
  };
}

/** Returns files of this host, which are at the same place in the machine. @throws {VmError} if one is missing. */
export function hostFiles(paths: readonly string[]): Record<string, string> {
  const missing = paths.find((path) => !existsSync(path));
  if (missing) throw new VmError(`the test machine needs ${missing}\n'make setup' installs its package`);
  return Object.fromEntries(paths.map((path) => [path, path]));
}
