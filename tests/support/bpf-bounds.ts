// Is the size given to a helper bounded in the register that is used? 4.15 forgets what it knew of a number
// that is spilled to the stack and filled again, and refuses it as unbounded.
//
// What is checked, for loop-free code: on every path back from the call, the register comes through copies
// and additions of constants, from a constant or from an unsigned comparison with a constant, on the side
// of it that bounds from above. What is not: whether the bound fits the memory given with it, and bounds that
// the kernel derives in more ways (shifts, 32-bit comparisons): those count as none.
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

/** Helper id: the register with the size. */
const sizeRegister: Partial<Record<number, number>> = {
  4: 2, // probe_read
  16: 2, // get_current_comm
  25: 5, // perf_event_output
  45: 2, // probe_read_str
  112: 2, // probe_read_user
  113: 2, // probe_read_kernel
  114: 2, // probe_read_user_str
  115: 2, // probe_read_kernel_str
  130: 3, // ringbuf_output
};

/** What an instruction does to what is known of a register. */
type Effect = "none" | "constant" | "bounds" | "loses" | { copyOf: number };

export function unboundedSizes(instructions: Instruction[]): string[] {
  const into = new Map<number, Edge[]>();
  for (const index of instructions.keys()) {
    for (const edge of edgesFrom(instructions, index))
      into.set(edge.to, [...(into.get(edge.to) ?? []), edge]);
  }
  const known = new Map<string, number | undefined>();
  /** @returns the instruction that a path without a bound leads back to; -1 for the program's entry. */
  const origin = (at: number, register: number, wanted: "constant" | "bound"): number | undefined => {
    const key = `${at} ${register} ${wanted}`;
    if (!known.has(key)) known.set(key, search(at, register, wanted));
    return known.get(key);
  };
  const search = (at: number, register: number, wanted: "constant" | "bound"): number | undefined => {
    if (at === 0) return -1;
    for (const edge of into.get(at) ?? []) {
      const instruction = instructions[edge.from] as Instruction;
      const isConstant = (other: number) => origin(edge.from, other, "constant") === undefined;
      const effect = effectOn(register, instruction, edge.taken, isConstant);
      if (effect === "constant" || (effect === "bounds" && wanted === "bound")) continue;
      if (effect === "loses") return edge.from;
      const before = typeof effect === "object" ? effect.copyOf : register;
      const found = origin(edge.from, before, wanted);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return instructions.flatMap((instruction, index) => {
    const register = isHelperCall(instruction) ? sizeRegister[instruction.imm] : undefined;
    if (register === undefined) return [];
    const from = origin(index, register, "bound");
    if (from === undefined) return [];
    const what = `the size in r${register} for helper ${instruction.imm} at instruction ${index}`;
    return [`${what} has no bound since ${describe(instructions[from])}`];
  });
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
  // 4.15 knows nothing of the result of a 32-bit copy.
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
  // "if dst < K" bounds dst when taken; "if K < src" bounds src when passed; and so on.
  if (dst === register && (isLess ? taken : isGreater && !taken)) {
    if (compared ? isConstant(src) : instruction.imm >= 0) return "bounds";
  }
  if (compared && src === register && (isGreater ? taken : isLess && !taken)) {
    if (isConstant(dst)) return "bounds";
  }
  return "none";
}
