// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// The table of the files that `mine install` puts on a host, and the manifest that lists them for `mine uninstall`.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Texts that mine prints itself. */
export interface Pages {
  man: string;
  bash: string;
  zsh: string;
  fish: string;
  unit: string;
  config: string;
}

export interface InstalledFile {
  path: string;
  mode: number;
  bytes: Uint8Array;
  /** SHA-256 of the bytes, in hexadecimal. */
  sum: string;
  /** People change it: an installation keeps a changed one. */
  isConfig: boolean;
}

/** Where a distribution's packages have the binary and the configuration; the unit names them. */
const PACKAGED_BINARY = "/usr/sbin/mine";
const PACKAGED_CONFIG = "/etc/mine.conf";
/** Directories below which the configuration of programs is not. */
const SYSTEM_PREFIXES = ["/usr", "/usr/local"];

/** Returns the files below a prefix. @param program path of the running binary. */
export function filesBelow(prefix: string, program: string, pages: Pages): InstalledFile[] {
  const binary = join(prefix, "sbin/mine");
  const config = SYSTEM_PREFIXES.includes(prefix) ? PACKAGED_CONFIG : join(prefix, PACKAGED_CONFIG);
  const file = (path: string, mode: number, bytes: Uint8Array): InstalledFile => ({
    ...{ path, mode, bytes },
    sum: sha256(bytes),
    isConfig: path === config,
  });
  const text = (path: string, content: string) => file(join(prefix, path), 0o644, Buffer.from(content));
  const unit = pages.unit.replaceAll(PACKAGED_BINARY, binary).replaceAll(PACKAGED_CONFIG, config);
  return [
    file(binary, 0o755, readFileSync(program)),
    file(config, 0o644, Buffer.from(pages.config)),
    text("lib/systemd/system/mine.service", unit),
    text("share/man/man8/mine.8", `${pages.man}\n`),
    text("share/bash-completion/completions/mine", `${pages.bash}\n`),
    text("share/zsh/site-functions/_mine", `${pages.zsh}\n`),
    text("share/fish/vendor_completions.d/mine.fish", `${pages.fish}\n`),
  ];
}

/** The result of an earlier `mine install`. */
export interface Manifest {
  /** SHA-256 by path, in hexadecimal. */
  files: Map<string, string>;
  /** Directories that it made, the outer one first. */
  directories: string[];
}

export const manifestPath = (prefix: string): string => join(prefix, "share/mine/installed");
export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const DIRECTORY = "# directory ";

/** Writes a manifest, in the form of sha256sum(1). */
export const manifestText = ({ files, directories }: Manifest): string =>
  [
    "# Installed by mine. `mine uninstall` removes these, `sha256sum --check` verifies them.",
    ...directories.map((path) => `${DIRECTORY}${path}`),
    ...[...files].map(([path, sum]) => `${sum}  ${path}`),
    "",
  ].join("\n");

/** Reads a manifest. Lines of another form are ignored. */
export function readManifest(text: string): Manifest {
  const lines = text.split("\n");
  const files = lines.flatMap((line) => {
    const [, sum, path] = /^([0-9a-f]{64}) {2}(\/.*)$/.exec(line) ?? [];
    return sum && path ? [[path, sum] as const] : [];
  });
  const directories = lines.filter((line) => line.startsWith(DIRECTORY));
  return { files: new Map(files), directories: directories.map((line) => line.slice(DIRECTORY.length)) };
}
