// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Names and sentences of errno numbers. They come from the table of the runtime.
import { getSystemErrorMap } from "node:util";

const table = getSystemErrorMap();

/** enum libbpf_errno of libbpf_legacy.h: the errors of libbpf itself, from 4000 on. */
const libbpfErrors: Partial<Record<number, readonly [name: string, sentence: string]>> = {
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

const lookUp = (errno: number) => table.get(-errno) ?? libbpfErrors[errno];

/** Returns the name of a positive errno: "EPERM", or "errno 524" for a number without a name. */
export function errnoName(errno: number): string {
  return lookUp(errno)?.[0] ?? `errno ${errno}`;
}

/** Returns the sentence of a positive errno: "Operation not permitted". */
export function errnoSentence(errno: number): string {
  const sentence = lookUp(errno)?.[1] ?? `Unknown error ${errno}`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
