// Where the program begins: how the JavaScript engine is to run, which it is told by a variable of the environment
// and only there. So the program starts itself once more with it, and loads the rest of itself only then.
// The compiler of last resort, FTL, would gain nothing here, and takes ten megabytes and more while it works.

const NO_FTL = "BUN_JSC_useFTLJIT";

if (Bun.main.startsWith("/$bunfs/") && process.env[NO_FTL] === undefined) {
  try {
    process.execve?.(process.execPath, [process.argv0, ...process.argv.slice(2)], {
      ...process.env,
      [NO_FTL]: "0",
    });
  } catch {
    // It works without, and takes more memory.
  }
}

try {
  await import("./main.ts");
} catch (error) {
  // What is opened while it is loaded could not be.
  const { report } = await import("./cli/report.ts");
  process.exitCode = report(error);
}

export {}; // a module, which may wait
