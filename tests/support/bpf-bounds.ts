// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds helper calls whose size, or whose offset of the address, has no bound in its register. 4.15 forgets the
// bounds of a number that is spilled to the stack and filled again. It then refuses the number as unbounded.
//
// The check follows every path back from the call, in loop-free code. It looks through copies and additions of
// constants. Each path must end at a constant, or at an unsigned comparison that gives an upper bound.
// The check ignores whether the bounds fit the memory. It also ignores bounds that the kernel derives from shifts
// and from 32-bit comparisons: such a number counts as unbounded.
import {
  ALU,
  CLASS,
  classOf,
  type Edge,
  edgesFrom,
  type Instruction,
  isHelperCall,
  isJump,
  JUMP,
  LD_IMM64,
  operation,
  takesRegister,
} from "./bpf-code.ts";

/** Registers with the address and the size of memory, by helper id. */
const memoryRegisters: Partial<Record<number, { address: number; size: number }>> = {
  4: { address: 1, size: 2 }, // probe_read
  16: { address: 1, size: 2 }, // get_current_comm
  25: { address: 4, size: 5 }, // perf_event_output
  45: { address: 1, size: 2 }, // probe_read_str
  112: { address: 1, size: 2 }, // probe_read_user
  113: { address: 1, size: 2 }, // probe_read_kernel
  114: { address: 1, size: 2 }, // probe_read_user_str
  115: { address: 1, size: 2 }, // probe_read_kernel_str
  130: { address: 2, size: 3 }, // ringbuf_output
};

/** Effect of an instruction on the known bounds of a register. */
type Effect = "none" | "constant" | "bounds" | "loses" | { copyOf: number };

/** A property of a number that the search proves on each path. */
type Property = "constant" | "bound" | "positive";

/** Helpers that take no size of 0 before 4.15 (9c019e2bc4b2). */
const takesNoZero = new Set([4, 112, 113]);

/**
 * Finds sizes and offsets without a bound in calls of helpers, and sizes that can be 0.
 * @param refusesZero whether the kernel refuses a size that can be 0.
 * @returns a sentence for each.
 */
export function unbounded(instructions: Instruction[], refusesZero: boolean): string[] {
  const into = new Map<number, Edge[]>();
  for (const index of instructions.keys()) {
    for (const edge of edgesFrom(instructions, index))
      into.set(edge.to, [...(into.get(edge.to) ?? []), edge]);
  }
  const known = new Map<string, number | undefined>();
  /** Finds the start of a path without a bound. @returns its instruction; -1 for the program's entry. */
  const origin = (at: number, register: number, wanted: Property): number | undefined => {
    const key = `${at} ${register} ${wanted}`;
    if (!known.has(key)) known.set(key, search(at, register, wanted));
    return known.get(key);
  };
  const search = (at: number, register: number, wanted: Property): number | undefined => {
    if (at === 0) return -1;
    for (const edge of into.get(at) ?? []) {
      const instruction = instructions[edge.from] as Instruction;
      const isConstant = (other: number) => origin(edge.from, other, "constant") === undefined;
      if (wanted === "positive" && isPositive(register, instruction, edge.taken)) continue;
      const effect = effectOn(register, instruction, edge.taken, isConstant);
      if (wanted === "positive" && effect === "constant") return edge.from;
      if (effect === "constant" || (effect === "bounds" && wanted === "bound")) continue;
      if (effect === "loses") return edge.from;
      const before = typeof effect === "object" ? effect.copyOf : register;
      const found = origin(edge.from, before, wanted);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  /** Finds additions to an address where neither operand has a bound. One operand is the number. */
  const boundlessAdditions = (call: number, address: number): number[] => {
    const found = new Set<number>();
    const seen = new Set<string>();
    const ways = [{ at: call, register: address }];
    for (let way = ways.pop(); way; way = ways.pop()) {
      if (seen.has(`${way.at} ${way.register}`)) continue;
      seen.add(`${way.at} ${way.register}`);
      for (const { from } of into.get(way.at) ?? []) {
        const instruction = instructions[from] as Instruction;
        const isBounded = (register: number) => origin(from, register, "bound") === undefined;
        const isSum = instruction.dst === way.register && isAddition(instruction);
        if (isSum && !isBounded(instruction.dst) && !isBounded(instruction.src)) found.add(from);
        // The operand with a bound is the number, not the address. Its origin does not matter.
        const before = addressBefore(way.register, instruction).filter((one) => !isSum || !isBounded(one));
        ways.push(...before.map((register) => ({ at: from, register })));
      }
    }
    return [...found];
  };
  return instructions.flatMap((instruction, index) => {
    const registers = isHelperCall(instruction) ? memoryRegisters[instruction.imm] : undefined;
    if (!registers) return [];
    const { address, size } = registers;
    const where = `for helper ${instruction.imm} at instruction ${index}`;
    const from = origin(index, size, "bound");
    const zeroFrom =
      refusesZero && takesNoZero.has(instruction.imm) ? origin(index, size, "positive") : undefined;
    return [
      ...(from === undefined
        ? []
        : [`the size in r${size} ${where} has no bound since ${describe(instructions[from])}`]),
      ...(zeroFrom === undefined ? [] : [`the size in r${size} ${where} can be 0`]),
      ...boundlessAdditions(index, address).map(
        (at) => `what instruction ${at} adds to the address in r${address} ${where} has no bound`,
      ),
    ];
  });
}

/** Tells whether an instruction proves that a register is not 0: a constant, or an unsigned comparison. */
function isPositive(register: number, instruction: Instruction, taken: boolean): boolean {
  if (instruction.dst !== register || takesRegister(instruction)) return false;
  if (classOf(instruction) === CLASS.ALU64) return operation(instruction) === ALU.MOV && instruction.imm > 0;
  if (classOf(instruction) !== CLASS.JMP) return false;
  switch (operation(instruction)) {
    case JUMP.GT:
      return taken && instruction.imm >= 0;
    case JUMP.GE:
      return taken && instruction.imm > 0;
    case JUMP.LE:
      return !taken && instruction.imm >= 0;
    case JUMP.LT:
      return !taken && instruction.imm > 0;
    default:
      return false;
  }
}

/** Tells whether an instruction adds two registers. Either one may be the address. */
const isAddition = (instruction: Instruction): boolean =>
  classOf(instruction) === CLASS.ALU64 && operation(instruction) === ALU.ADD && takesRegister(instruction);

/** Returns the registers that held the address before a copy or an addition. */
function addressBefore(register: number, instruction: Instruction): number[] {
  const effect = effectOn(register, instruction, false, () => false);
  if (typeof effect === "object") return [effect.copyOf];
  if (effect === "none") return [register];
  return instruction.dst === register && isAddition(instruction) ? [register, instruction.src] : [];
}

function describe(instruction: Instruction | undefined): string {
  if (!instruction) return "the program's entry";
  return classOf(instruction) === CLASS.LDX
    ? `it was loaded from *(r${instruction.src} ${instruction.offset})`
    : `an instruction of opcode 0x${instruction.opcode.toString(16)}`;
}

function effectOn(
  register: number,
  instruction: Instruction,
  taken: boolean,
  isConstant: (register: number) => boolean,
): Effect {
  if (isJump(instruction)) return effectOfJump(register, instruction, taken, isConstant);
  if ([CLASS.ST, CLASS.STX].some((kind) => kind === classOf(instruction))) return "none";
  if (instruction.dst !== register || instruction.opcode === 0) return "none";
  if (instruction.opcode === LD_IMM64) return "constant";
  if (classOf(instruction) !== CLASS.ALU64 && classOf(instruction) !== CLASS.ALU) return "loses";
  if (operation(instruction) === ALU.MOV && !takesRegister(instruction)) return "constant";
  // 4.15 does not track the result of a 32-bit copy.
  if (classOf(instruction) === CLASS.ALU) return "loses";
  if (operation(instruction) === ALU.MOV) return { copyOf: instruction.src };
  if (takesRegister(instruction)) return "loses";
  if (operation(instruction) === ALU.AND && instruction.imm >= 0) return "bounds";
  return operation(instruction) === ALU.ADD && instruction.imm >= 0 ? "none" : "loses";
}

function effectOfJump(
  register: number,
  instruction: Instruction,
  taken: boolean,
  isConstant: (register: number) => boolean,
): Effect {
  if (operation(instruction) === JUMP.CALL) return register <= 5 ? "loses" : "none";
  if (classOf(instruction) !== CLASS.JMP) return "none";
  const { dst, src } = instruction;
  const compared = takesRegister(instruction);
  const isLess = [JUMP.LT, JUMP.LE].some((less) => less === operation(instruction));
  const isGreater = [JUMP.GT, JUMP.GE].some((greater) => greater === operation(instruction));
  // "if dst < K" bounds dst when taken. "if K < src" bounds src when not taken. The others are alike.
  if (dst === register && (isLess ? taken : isGreater && !taken)) {
    if (compared ? isConstant(src) : instruction.imm >= 0) return "bounds";
  }
  if (compared && src === register && (isGreater ? taken : isLess && !taken)) {
    if (isConstant(dst)) return "bounds";
  }
  return "none";
}
