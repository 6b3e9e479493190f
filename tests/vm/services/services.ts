// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// fail2ban, podman and auditd for a test machine with systemd, from this host's packages.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { programsFor } from "../../support/architecture.ts";
import { pythonFiles } from "../python.ts";
import { hostFiles } from "../systemd/systemd.ts";

/** Modules that fail2ban imports at once, and those that it imports when it needs them. */
const modules = [
  ...["fail2ban.client.fail2banclient", "fail2ban.client.fail2banserver", "fail2ban.client.configurator"],
  ...["fail2ban.server.database", "fail2ban.server.filterpoll", "fail2ban.server.server", "encodings.idna"],
];
const fail2ban = [
  ...["/usr/bin/fail2ban-server", "/usr/bin/fail2ban-client", "/lib/systemd/system/fail2ban.service"],
  ...[
    ...["fail2ban.conf", "jail.conf", "paths-common.conf", "paths-debian.conf"],
    ...["jail.d/defaults-debian.conf", "filter.d/common.conf", "filter.d/sshd.conf"],
    ...["action.d/iptables.conf", "action.d/iptables-ipset.conf"],
  ].map((name) => `/etc/fail2ban/${name}`),
];
const podman = [
  ...["/usr/bin/podman", "/usr/bin/conmon", "/usr/bin/crun"],
  ...["/usr/share/containers/containers.conf", "/usr/share/containers/seccomp.json"],
];
/** crun asks systemd for a scope through D-Bus. */
const dbus = [
  ...["/usr/bin/dbus-daemon", "/usr/share/dbus-1/system.conf"],
  "/usr/share/dbus-1/system.d/org.freedesktop.systemd1.conf",
  ...["/lib/systemd/system/dbus.service", "/lib/systemd/system/dbus.socket"],
];
const audit = [
  ...["/sbin/auditd", "/sbin/auditctl", "/sbin/ausearch"],
  ...["/etc/audit/auditd.conf", "/lib/systemd/system/auditd.service"],
];
const pam = ["pam_loginuid", "pam_permit"].map((name) => `/lib/x86_64-linux-gnu/security/${name}.so`);

/** Returns the files of the services: path in the machine → path here. */
export function serviceFiles(): Record<string, string> {
  return {
    ...pythonFiles(`import ${modules}`),
    ...hostFiles([...fail2ban, ...podman, ...dbus, ...audit, ...pam]),
    ...containerFiles("/srv/container"),
    ...configuration(),
  };
}

/** Returns the root file system of the container: a shell, and ipset with its libraries. */
function containerFiles(root: string): Record<string, string> {
  const { find, librariesOf } = programsFor("x64");
  const ipset = find("ipset");
  const files = { "/bin/busybox": find("busybox"), "/usr/sbin/ipset": ipset, ...librariesOf(ipset) };
  return Object.fromEntries(Object.entries(files).map(([path, here]) => [join(root, path), here]));
}

/** Returns the files in machine/, a tree as of the root of the machine. */
function configuration(): Record<string, string> {
  const tree = join(import.meta.dir, "machine");
  const names = readdirSync(tree, { recursive: true, encoding: "utf8" });
  return Object.fromEntries(
    names.filter((name) => statSync(join(tree, name)).isFile()).map((name) => [`/${name}`, join(tree, name)]),
  );
}
