// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds CO-RE relocations that 4.15 cannot resolve and that its verifier reaches. libbpf replaces such a
// relocation with an invalid instruction. A test of the field's existence guards it, and is a constant by then.
// libbpf relies on the verifier to skip the dead side of that test. Until 4f7b3e82589e (is_branch_taken) the
// verifier skips it only if the two compared constants are equal. Otherwise it walks both sides.
import {
  ALU,
  CLASS,
  classOf,
  edgesFrom,
  type Instruction,
  isJump,
  JUMP,
  operation,
  takesRegister,
} from "./bpf-code.ts";
import type { Relocation } from "./bpf-object.ts";

// enum bpf_core_relo_kind
const EXISTENCE = new Set(["kind 2", "kind 8"]);

/**
 * Relocations that 4.15 cannot resolve, as bpf-object.ts describes them. Source: Linux 4.15.
 * include/linux/kernfs.h: kernfs_node.id is a union, not a number. include/linux/sched.h: no thread_pid.
 */
const LACKING_4_15 = [/ of kernfs_node 0\.id$/, / of task_struct 0\.thread_pid$/];

const isLacking = ({ what }: Relocation): boolean => LACKING_4_15.some((pattern) => pattern.test(what));
const isExistence = ({ what }: Relocation): boolean => EXISTENCE.has(what.slice(0, 6));

/** Known constants by register. */
type Constants = ReadonlyMap<number, number>;

/**
 * Finds the relocations that 4.15 lacks and its verifier reaches.
 * @param instructions those of one program.
 * @param relocations by the index of their instruction.
 * @returns a sentence for each.
 */
export function reachablePoison(
  instructions: Instruction[],
  relocations: ReadonlyMap<number, Relocation>,
): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const ways: { at: number; constants: Constants }[] = [{ at: 0, constants: new Map() }];
  for (let way = ways.pop(); way; way = ways.pop()) {
    const { at, constants } = way;
    const key = `${at} ${[...constants].sort()}`;
    const instruction = instructions[at];
    if (!instruction || seen.has(key)) continue;
    seen.add(key);
    const relocation = relocations.get(at);
    if (relocation && !isExistence(relocation) && isLacking(relocation)) {
      found.add(`instruction ${at} is looked at, and 4.15 lacks ${relocation.what}`);
      continue;
    }
    const after = constantsAfter(constants, instruction, relocation);
    for (const { to, taken } of edgesFrom(instructions, at)) {
      if (mayGo(instruction, constants, taken)) ways.push({ at: to, constants: after });
    }
  }
  return [...found];
}

function constantsAfter(
  constants: Constants,
  instruction: Instruction,
  relocation: Relocation | undefined,
): Constants {
  const after = new Map(constants);
  if (isJump(instruction)) {
    // A call clobbers r0 to r5.
    if (operation(instruction) === JUMP.CALL)
      for (let register = 0; register <= 5; register++) after.delete(register);
    return after;
  }
  const isStore = classOf(instruction) === CLASS.ST || classOf(instruction) === CLASS.STX;
  if (isStore) return after;
  after.delete(instruction.dst);
  if (relocation && isExistence(relocation)) {
    after.set(instruction.dst, isLacking(relocation) ? 0 : 1);
  } else if (classOf(instruction) === CLASS.ALU64 && operation(instruction) === ALU.MOV) {
    const source = takesRegister(instruction) ? constants.get(instruction.src) : instruction.imm;
    if (source !== undefined) after.set(instruction.dst, source);
  }
  return after;
}

/** Tells whether the verifier walks a side of a jump, like check_cond_jmp_op() of 4.15. */
function mayGo(instruction: Instruction, constants: Constants, taken: boolean): boolean {
  const isEqual = operation(instruction) === JUMP.EQ;
  if (classOf(instruction) !== CLASS.JMP || !(isEqual || operation(instruction) === JUMP.NE)) return true;
  if (takesRegister(instruction) || constants.get(instruction.dst) !== instruction.imm) return true;
  return taken === isEqual;
}
