// Can libbpf read the BTF in this file?
import { CallError } from "../errors.ts";
import { checkPointer } from "../ffi/libbpf.ts";
import { cString } from "../ffi/memory.ts";
import type { Libbpf } from "../ffi/symbols.ts";
import type { BtfFault } from "../kernel/btf.ts";

/** Parses the file. @returns undefined when that succeeds. */
export function btfFault(lib: Libbpf, path: string): BtfFault | undefined {
  try {
    lib.btf__free(checkPointer(lib, "btf__parse", lib.btf__parse(cString(path), null)));
    return undefined;
  } catch (error) {
    if (error instanceof CallError) return { reason: "unparsable", message: error.message };
    throw error;
  }
}
