// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Puts mine on a host and removes it: `mine install`, `mine uninstall`. Nothing is enabled or started.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { failed, type MineError } from "../errors.ts";
import { replaceFile } from "../host/replace-file.ts";
import { log } from "../log.ts";
import {
  filesBelow,
  type InstalledFile,
  type Manifest,
  manifestPath,
  manifestText,
  type Pages,
  readManifest,
  sha256,
} from "./files.ts";

export interface InstallConfig {
  /** Absolute path. */
  prefix: string;
  /** Show what would be done, and do nothing. */
  dryRun: boolean;
}

/**
 * Installs the running binary, its unit, configuration, man page and completions, or replaces an earlier version.
 * @returns the paths of the files. A changed configuration stays, and is not among them.
 * @throws MineError if a file of somebody else is in the way, or if a file cannot be written.
 */
export function install({ prefix, dryRun }: InstallConfig, program: string, pages: Pages): string[] {
  const earlier = installed(prefix);
  const { files = [], kept = [] } = Object.groupBy(filesBelow(prefix, program, pages), (file) =>
    file.isConfig && isForeign(file, earlier) ? "kept" : "files",
  );
  for (const file of files) refuseForeign(file, earlier);
  for (const { path } of kept) log.warn(`${path} stays as it is`);
  const paths = files.map(({ path }) => path);
  if (dryRun) return paths;

  const manifest = manifestPath(prefix);
  const directories = [...paths, manifest].flatMap((path) => makeDirectory(dirname(path)));
  // The manifest is first: after an error `mine uninstall` removes the files so far.
  const record: Manifest = {
    files: new Map([
      ...[...earlier.files].filter(([path]) => kept.some((file) => file.path === path)),
      ...files.map(({ path, sum }) => [path, sum] as const),
    ]),
    directories: [...earlier.directories, ...directories],
  };
  replace({ path: manifest, mode: 0o644, bytes: Buffer.from(manifestText(record)) });
  for (const file of files) replace(file);
  return paths;
}

/**
 * Removes what `mine install` has put below a prefix. A file that somebody has changed stays.
 * @returns the paths of the removed files.
 * @throws MineError if nothing is installed, or if a file cannot be removed.
 */
export function uninstall({ prefix, dryRun }: InstallConfig): string[] {
  const manifest = manifestPath(prefix);
  if (!existsSync(manifest)) {
    throw failed("not-installed", `mine is not installed below ${prefix}: ${manifest} is missing`);
  }
  const { files, directories } = installed(prefix);
  const present = [...files].filter(([path]) => existsSync(path));
  const { ours = [], changed = [] } = Object.groupBy(present, ([path, sum]) =>
    sumOf(path) === sum ? "ours" : "changed",
  );
  for (const [path] of changed) log.warn(`${path} has changed since its installation, and stays`);
  const removed = [...ours.map(([path]) => path), manifest];
  if (dryRun) return removed;
  for (const path of removed) attempt("remove", path, () => rmSync(path));
  for (const path of directories.toReversed()) removeIfEmpty(path);
  return removed;
}

function installed(prefix: string): Manifest {
  const path = manifestPath(prefix);
  return readManifest(existsSync(path) ? attempt("read", path, () => readFileSync(path, "utf8")) : "");
}

const sumOf = (path: string): string => attempt("read", path, () => sha256(readFileSync(path)));

/** Returns whether the file exists, and is neither the same nor one that mine has installed. */
function isForeign({ path, sum }: InstalledFile, { files }: Manifest): boolean {
  return existsSync(path) && ![files.get(path), sum].includes(sumOf(path));
}

/** @throws MineError if the file is foreign. */
function refuseForeign(file: InstalledFile, earlier: Manifest): void {
  if (!isForeign(file, earlier)) return;
  const { path } = file;
  const why = earlier.files.has(path) ? "it has changed since its installation" : "mine has not installed it";
  throw failed("file-exists", `cannot replace ${path}: ${why}`);
}

/** Makes a directory, and those above it. @returns the new ones, the outer one first. */
function makeDirectory(path: string): string[] {
  if (existsSync(path)) return [];
  const above = makeDirectory(dirname(path));
  attempt("make", path, () => {
    mkdirSync(path);
    chmodSync(path, 0o755); // the umask does not count
  });
  return [...above, path];
}

/** A mine that runs from the file goes on. */
function replace({ path, mode, bytes }: Pick<InstalledFile, "path" | "mode" | "bytes">): void {
  attempt("write", path, () => replaceFile(path, mode, bytes));
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // somebody else has a file in it, or it is gone
  }
}

function attempt<Result>(verb: string, path: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw cannot(verb, path, error);
  }
}

const cannot = (verb: string, path: string, error: unknown): MineError =>
  failed("cannot-write", `cannot ${verb} ${path}: ${(error as Error).message}`, error);
