// Can libbpf read the BTF in this file?
import { CallError } from "../errors.ts";
import { checkPointer } from "../ffi/libbpf.ts";
import { cString } from "../ffi/memory.ts";
import type { Libbpf } from "../ffi/symbols.ts";

/** @returns what is wrong with it; undefined when nothing is. */
export function btfTrouble(lib: Libbpf, path: string): string | undefined {
  try {
    lib.btf__free(checkPointer(lib, "btf__parse", lib.btf__parse(cString(path), null)));
    return undefined;
  } catch (error) {
    if (error instanceof CallError) return error.message;
    throw error;
  }
}
