// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Decodes BPF instructions, and follows the flow of control. Source: linux/bpf.h, struct bpf_insn.
// ld_imm64 takes two slots. The second slot decodes as an instruction of opcode 0, which falls through.

export interface Instruction {
  opcode: number;
  dst: number;
  src: number;
  offset: number;
  imm: number;
}

export const CLASS = { LD: 0, LDX: 1, ST: 2, STX: 3, ALU: 4, JMP: 5, JMP32: 6, ALU64: 7 } as const;
/** Upper four bits of an opcode of class ALU or ALU64. */
export const ALU = { ADD: 0x00, SUB: 0x10, AND: 0x50, MOV: 0xb0, END: 0xd0 } as const;
/** Upper four bits of an opcode of class JMP or JMP32. */
export const JUMP = {
  ALWAYS: 0x00,
  EQ: 0x10,
  GT: 0x20,
  GE: 0x30,
  NE: 0x50,
  CALL: 0x80,
  EXIT: 0x90,
  LT: 0xa0,
  LE: 0xb0,
} as const;
/** Upper three bits of an opcode that accesses memory. */
export const MODE = { IMM: 0x00, MEM: 0x60, ATOMIC: 0xc0 } as const;
export const LD_IMM64 = 0x18;
/** src_reg of a call to a function of the same object, instead of a helper. */
export const PSEUDO_CALL = 1;
export const FRAME_POINTER = 10;

export const classOf = ({ opcode }: Instruction): number => opcode & 0x07;
export const operation = ({ opcode }: Instruction): number => opcode & 0xf0;
export const mode = ({ opcode }: Instruction): number => opcode & 0xe0;
/** Tells whether the second operand is a register, not a constant. */
export const takesRegister = ({ opcode }: Instruction): boolean => (opcode & 0x08) !== 0;
export const isJump = (instruction: Instruction): boolean =>
  classOf(instruction) === CLASS.JMP || classOf(instruction) === CLASS.JMP32;
export const isHelperCall = (instruction: Instruction): boolean =>
  instruction.opcode === (CLASS.JMP | JUMP.CALL) && instruction.src !== PSEUDO_CALL;

export function decodeInstructions(code: Buffer): Instruction[] {
  return Array.from({ length: code.length / 8 }, (_, index) => {
    const at = index * 8;
    const registers = code.readUInt8(at + 1);
    return {
      opcode: code.readUInt8(at),
      dst: registers & 0x0f,
      src: registers >> 4,
      offset: code.readInt16LE(at + 2),
      imm: code.readInt32LE(at + 4),
    };
  });
}

export interface Edge {
  from: number;
  to: number;
  /** True if the jump is taken. */
  taken: boolean;
}

/** Returns the instructions that can run after the one at index `from`. */
export function edgesFrom(instructions: Instruction[], from: number): Edge[] {
  const instruction = instructions[from];
  const next = { from, to: from + 1, taken: false };
  if (!instruction || !isJump(instruction)) return [next];
  const target = { from, to: from + 1 + instruction.offset, taken: true };
  switch (operation(instruction)) {
    case JUMP.EXIT:
      return [];
    case JUMP.CALL:
      return [next];
    case JUMP.ALWAYS:
      return [target];
    default:
      return [next, target];
  }
}

/**
 * Walks the code like check_cfg() of 4.15: depth first. An edge to an instruction on the current path is a loop.
 * A jump backwards to code off the current path is no loop.
 * @returns the faults that the kernel would refuse, and whether the code has a loop.
 */
export function flowTrouble(instructions: Instruction[]): { trouble: string[]; hasLoop: boolean } {
  const trouble: string[] = [];
  const state = new Map<number, "on path" | "done">([[0, "on path"]]);
  const path = [{ at: 0, edges: edgesFrom(instructions, 0) }];
  let hasLoop = false;
  for (let step = path.at(-1); step; step = path.at(-1)) {
    const edge = step.edges.pop();
    if (!edge) {
      state.set(step.at, "done");
      path.pop();
    } else if (edge.to < 0 || edge.to >= instructions.length) {
      trouble.push(`control leaves the program after instruction ${edge.from}`);
    } else if (state.get(edge.to) === "on path") {
      hasLoop = true;
      trouble.push(`back-edge from instruction ${edge.from} to ${edge.to}`);
    } else if (!state.has(edge.to)) {
      state.set(edge.to, "on path");
      path.push({ at: edge.to, edges: edgesFrom(instructions, edge.to) });
    }
  }
  const unreachable = instructions.findIndex((_, index) => !state.has(index));
  if (unreachable >= 0) trouble.push(`instruction ${unreachable} is unreachable`);
  return { trouble, hasLoop };
}
