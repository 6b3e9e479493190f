// libbpf, loaded from memory. The library stays open for the life of the process.

import { JSCallback } from "bun:ffi";
import { closeSync, writeSync } from "node:fs";
import { CallError } from "../errors.ts";
import { memfdCreate } from "./libc.ts";
import { type Address, asAddress, textAt } from "./memory.ts";
import { type Libbpf, openLibbpf } from "./symbols.ts";

/**
 * Loads the library without leaving a file anywhere: Bun would unpack it to a predictable name in $TMPDIR,
 * which a stranger may own and a noexec mount refuses.
 */
export function loadLibbpf(image: Uint8Array): Libbpf {
  const fd = memfdCreate("libbpf.so");
  try {
    writeAll(fd, image);
    return openLibbpf(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

/** @throws CallError: EFBIG where the size of files is limited, which counts in memory too. */
function writeAll(fd: number, image: Uint8Array): void {
  try {
    for (let written = 0; written < image.length; ) written += writeSync(fd, image, written);
  } catch (error) {
    if (!(error instanceof Error && "errno" in error && typeof error.errno === "number")) throw error;
    throw new CallError("write to a file in memory", Math.abs(error.errno));
  }
}

/** @returns "1.7". */
export function libbpfVersion(lib: Libbpf): string {
  const version = asAddress(lib.libbpf_version_string());
  return version ? textAt(version).replace(/^v/, "") : "";
}

/** enum libbpf_print_level of libbpf.h. */
export const LOG_LEVEL = { warn: 0, info: 1, debug: 2 } as const;

/**
 * Sends libbpf's log here; lines come only while one of its functions runs, on this thread.
 * @param most of LOG_LEVEL: what is less important than that is not even formatted.
 */
export function setLibbpfLog(
  lib: Libbpf,
  most: number,
  log: (level: number, line: string) => void,
): Disposable {
  const callback = new JSCallback(
    (level: number, line: Address) => {
      log(level, textAt(line).trimEnd());
    },
    { args: ["i32", "ptr"], returns: "void" },
  );
  lib.mine_set_log(callback.ptr, most);
  return {
    [Symbol.dispose]: () => {
      lib.mine_set_log(null, most);
      callback.close();
    },
  };
}

/** For functions that return -errno. @returns the value when it is not negative. */
export function checkResult(call: string, result: number): number {
  if (result < 0) throw new CallError(call, -result);
  return result;
}

/**
 * For functions that return NULL and set errno, which libbpf_get_error(NULL) turns into -errno: right only
 * while nothing else has run since, so nest the call: checkPointer(lib, "f", lib.f(...)).
 */
export function checkPointer(lib: Libbpf, call: string, result: Address | bigint | null): Address {
  const pointer = asAddress(result);
  if (!pointer) throw new CallError(call, -Number(lib.libbpf_get_error(null)));
  return pointer;
}
