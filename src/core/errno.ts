// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Names and sentences of errno numbers. They come from the table of the runtime.
import { getSystemErrorMap } from "node:util";

const table = getSystemErrorMap();

/**
 * Errors that the table lacks: the kernel's own (include/linux/errno.h), and from 4000 on those of libbpf (enum
 * libbpf_errno of libbpf_legacy.h).
 */
const others: Partial<Record<number, readonly [name: string, sentence: string]>> = {
  524: ["ENOTSUPP", "operation is not supported"], // for example a trampoline on arm64's 6.1
  4000: ["LIBELF", "something wrong in libelf"],
  4001: ["FORMAT", "BPF object format invalid"],
  4002: ["KVERSION", "'version' section incorrect or lost"],
  4003: ["ENDIAN", "endian mismatch"],
  4004: ["INTERNAL", "internal error in libbpf"],
  4005: ["RELOC", "relocation failed"],
  4006: ["LOAD", "loading the programs failed"],
  4007: ["VERIFY", "kernel verifier blocks program loading"],
  4008: ["PROG2BIG", "program too big"],
  4009: ["KVER", "incorrect kernel version"],
  4010: ["PROGTYPE", "kernel doesn't support this program type"],
};

const lookUp = (errno: number) => table.get(-errno) ?? others[errno];

/** Returns the name of a positive errno: "EPERM", or "errno 999" for a number without a name. */
export function errnoName(errno: number): string {
  return lookUp(errno)?.[0] ?? `errno ${errno}`;
}

/** Returns the sentence of a positive errno: "Operation not permitted". */
export function errnoSentence(errno: number): string {
  const sentence = lookUp(errno)?.[1] ?? `Unknown error ${errno}`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
