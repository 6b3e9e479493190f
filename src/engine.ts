// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Entry point. The JavaScript engine reads its settings only from the environment. So the program sets a variable,
// executes itself again, and only then loads the rest of its code.
// The setting turns off FTL, the last optimizing compiler: it gains nothing here, and uses ten megabytes or more.

const NO_FTL = "BUN_JSC_useFTLJIT";

if (Bun.main.startsWith("/$bunfs/") && process.env[NO_FTL] === undefined) {
  try {
    process.execve?.(process.execPath, [process.argv0, ...process.argv.slice(2)], {
      ...process.env,
      [NO_FTL]: "0",
    });
  } catch {
    // The program also works with FTL, and uses more memory.
  }
}

try {
  const isKeeper = process.argv[2] === "keep-files" && (await import("./keeper.ts")).keepFiles();
  if (!isKeeper) await import("./main.ts");
} catch (error) {
  // A library that is opened during the import failed to open.
  const { report } = await import("./cli/report.ts");
  process.exitCode = report(error);
}

export {}; // makes this file a module, for top-level await
