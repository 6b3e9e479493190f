// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Finds the parts of a BPF object that an old kernel refuses, from the object alone. No such kernel runs.
// Each rule stands for an error of that kernel's verifier or of its bpf(2).
import { unbounded } from "./bpf-bounds.ts";
import {
  ALU,
  CLASS,
  classOf,
  decodeInstructions,
  FRAME_POINTER,
  flowTrouble,
  type Instruction,
  isHelperCall,
  JUMP,
  LD_IMM64,
  MODE,
  mode,
  operation,
  takesRegister,
} from "./bpf-code.ts";
import { type Program, type Relocation, readMaps, readPrograms } from "./bpf-object.ts";
import { Elf, type ElfFunction } from "./elf.ts";
import { reachablePoison } from "./poison.ts";

export interface KernelLimits {
  instructions: number;
  mapTypes: ReadonlySet<number>;
  knowsHelper: (id: number) => boolean;
  /** Global data (5.2). */
  hasGlobalData: boolean;
  /** 32-bit jumps (5.1). */
  hasJump32: boolean;
  /** Bounded loops (5.3). */
  hasLoops: boolean;
  /** Calls of functions of the same object (4.16). */
  hasFunctions: boolean;
  /** Follows only the taken side of a jump on a constant (4.19, 5.0). */
  knowsBranchTaken: boolean;
  /** Keeps the bounds of a number that is spilled to the stack and filled again (5.3). */
  keepsSpilledBounds: boolean;
  /** Refuses a read of a size that can be 0 (before 4.15). */
  refusesZeroSize: boolean;
  /** Tells whether mine loads the programs of a section on newer kernels only. */
  isNotSelected: (section: string) => boolean;
}

/** Helpers of both kprobes and tracepoints in 4.15: tracing_func_proto(), perf_event_output, get_stackid. */
const HELPERS_4_15 = new Set([1, 2, 3, 4, 5, 6, 7, 8, 12, 14, 15, 16, 22, 25, 27, 35, 36, 37, 42, 45]);
/** probe_read_{user,kernel}{,_str} (5.5), which libbpf turns into probe_read (4) and probe_read_str (45). */
const REWRITTEN_HELPERS = new Set([112, 113, 114, 115]);
const LAST_HELPER_5_8 = 135; // csum_level; the ring buffer helpers are 130 to 134

const MAP = {
  HASH: 1,
  ARRAY: 2,
  PROG_ARRAY: 3,
  PERF_EVENT_ARRAY: 4,
  PERCPU_ARRAY: 6,
  LRU_HASH: 9,
  RINGBUF: 27,
} as const;
const MAPS_4_15 = [MAP.HASH, MAP.ARRAY, MAP.PROG_ARRAY, MAP.PERF_EVENT_ARRAY, MAP.PERCPU_ARRAY, MAP.LRU_HASH];

export const LINUX_4_15: KernelLimits = {
  instructions: 4096,
  mapTypes: new Set(MAPS_4_15),
  knowsHelper: (id) => HELPERS_4_15.has(id) || REWRITTEN_HELPERS.has(id),
  hasGlobalData: false,
  hasJump32: false,
  hasLoops: false,
  hasFunctions: false,
  knowsBranchTaken: false,
  keepsSpilledBounds: false,
  refusesZeroSize: false,
  isNotSelected: () => false,
};

/** The helpers that 4.15 adds, 55 and 56, are those of perf events. */
export const LINUX_4_14: KernelLimits = { ...LINUX_4_15, refusesZeroSize: true };

export const LINUX_5_8: KernelLimits = {
  instructions: 1_000_000,
  mapTypes: new Set([...MAPS_4_15, MAP.RINGBUF]),
  knowsHelper: (id) => id >= 1 && id <= LAST_HELPER_5_8,
  hasGlobalData: true,
  hasJump32: true,
  hasLoops: true,
  hasFunctions: true,
  knowsBranchTaken: true,
  keepsSpilledBounds: true,
  refusesZeroSize: false,
  isNotSelected: (section) => /^f(entry|exit)\//.test(section),
};

const STACK_SIZE = 512;
/** PCPU_MIN_UNIT_SIZE: the kernel refuses a larger element of a per-CPU map with E2BIG. */
const PERCPU_VALUE_MAX = 32768;
const MAP_ATTRIBUTES = new Set(["type", "max_entries", "key_size", "value_size"]);
const GLOBAL_DATA = /^\.(data|bss|rodata|kconfig|ksyms)/;
const FUNCTIONS = ".text";
const NOT_CODE = /^(\..*|license|version)$/;
/** Section names that libbpf maps to program types without BTF and trampoline. */
const PLAIN_SECTION = /^(k(ret)?probe|(raw_)?tracepoint)(\/|$)/;

/** Finds the parts of an object that a kernel refuses. @returns a sentence for each; empty if the object can load. */
export function refusals(object: Buffer, kernel: KernelLimits): string[] {
  const elf = new Elf(object);
  const names = [...elf.sections].filter(([, bytes]) => bytes.length > 0).map(([name]) => name);
  const programs = elf.sections.has(".BTF.ext") ? readPrograms(object) : new Map<string, Program>();
  const license = elf.sections.get("license")?.toString("latin1").replace(/\0$/, "");
  return [
    ...names
      .filter((name) => !kernel.hasGlobalData && GLOBAL_DATA.test(name))
      .map((name) => `global data in ${name}`),
    ...(license === "Dual BSD/GPL" ? [] : [`the license is ${JSON.stringify(license)}`]),
    ...mapRefusals(object, kernel),
    ...names
      .filter((name) => isCode(name, kernel) && !kernel.isNotSelected(name))
      .flatMap((name) => sectionRefusals(elf, name, kernel, programs.get(name)?.relocations ?? [])),
  ];
}

/** Tells whether a section holds code. libbpf appends the functions in .text to the programs that call them. */
const isCode = (section: string, kernel: KernelLimits): boolean =>
  !NOT_CODE.test(section) || (section === FUNCTIONS && kernel.hasFunctions);

function mapRefusals(object: Buffer, kernel: KernelLimits): string[] {
  return readMaps(object).flatMap(({ name, attributes }) => {
    const { type = 0, value_size: valueSize = 0 } = attributes;
    const other = Object.keys(attributes).filter((attribute) => !MAP_ATTRIBUTES.has(attribute));
    return [
      ...(kernel.mapTypes.has(type) ? [] : [`map ${name}: type ${type}`]),
      ...(type === MAP.PERCPU_ARRAY && valueSize > PERCPU_VALUE_MAX
        ? [`map ${name}: ${valueSize} bytes per CPU`]
        : []),
      ...other.map((attribute) => `map ${name}: attribute ${attribute}`),
    ];
  });
}

/** Checks a section of probes. Every function in it is a separate program. */
function sectionRefusals(
  elf: Elf,
  section: string,
  kernel: KernelLimits,
  relocations: readonly Relocation[],
): string[] {
  const programs = elf.functions(section);
  const end = programs.reduce((at, program) => (program.start === at ? program.end : Number.NaN), 0);
  return [
    ...(PLAIN_SECTION.test(section) || section === FUNCTIONS
      ? []
      : [`${section}: neither a kprobe nor a tracepoint`]),
    ...(end === elf.section(section).length ? [] : [`${section}: its functions do not fill it`]),
    ...programs.flatMap((program) =>
      programRefusals(elf, section, program, kernel, relocations).map((what) => `${program.name}: ${what}`),
    ),
  ];
}

function programRefusals(
  elf: Elf,
  section: string,
  { start, end }: ElfFunction,
  kernel: KernelLimits,
  relocations: readonly Relocation[],
): string[] {
  const instructions = decodeInstructions(elf.section(section).subarray(start, end));
  const flow = flowTrouble(instructions);
  const foreign = elf
    .relocations(section)
    .filter(({ offset }) => offset >= start && offset < end)
    .filter(({ definedIn }) => definedIn !== ".maps" && !(kernel.hasGlobalData && definedIn))
    .map(
      ({ symbol, offset }) =>
        `instruction ${(offset - start) / 8} refers to ${symbol || "a section"}, not a map`,
    );
  const own = relocations.filter(({ offset }) => offset >= start && offset < end);
  const byInstruction = new Map(own.map((relocation) => [(relocation.offset - start) / 8, relocation]));
  return [
    ...(kernel.knowsBranchTaken ? [] : reachablePoison(instructions, byInstruction)),
    ...(instructions.length > kernel.instructions ? [`${instructions.length} instructions`] : []),
    ...instructions.flatMap((instruction, index) =>
      instructionRefusals(instruction, instructions[index - 1], kernel).map(
        (what) => `instruction ${index}: ${what}`,
      ),
    ),
    ...foreign,
    ...(kernel.hasLoops ? flow.trouble.filter((trouble) => !trouble.startsWith("back-edge")) : flow.trouble),
    ...(kernel.keepsSpilledBounds || flow.hasLoop ? [] : unbounded(instructions, kernel.refusesZeroSize)),
  ];
}

function instructionRefusals(
  instruction: Instruction,
  previous: Instruction | undefined,
  kernel: KernelLimits,
): string[] {
  if (previous?.opcode === LD_IMM64) return instruction.opcode === 0 ? [] : ["half an ld_imm64"];
  if (instruction.opcode === LD_IMM64)
    return instruction.src === 0 ? [] : [`ld_imm64 of kind ${instruction.src}`];
  switch (classOf(instruction)) {
    case CLASS.LD:
      return [`load of opcode 0x${instruction.opcode.toString(16)}`];
    case CLASS.LDX:
    case CLASS.ST:
    case CLASS.STX:
      return memoryRefusals(instruction);
    case CLASS.ALU:
    case CLASS.ALU64:
      return arithmeticRefusals(instruction, previous);
    default:
      return jumpRefusals(instruction, kernel);
  }
}

function memoryRefusals(instruction: Instruction): string[] {
  const isStore = classOf(instruction) !== CLASS.LDX;
  const base = isStore ? instruction.dst : instruction.src;
  // 4.15 knows only atomic addition, which has the number 0. Other atomic operations came with 5.12.
  const isAddition = instruction.imm === 0 && classOf(instruction) === CLASS.STX;
  const isKnown = mode(instruction) === MODE.MEM || (mode(instruction) === MODE.ATOMIC && isAddition);
  return [
    ...(isKnown ? [] : [`memory access of opcode 0x${instruction.opcode.toString(16)}, ${instruction.imm}`]),
    ...(base === FRAME_POINTER ? stackRefusals(instruction.offset) : []),
  ];
}

/** Checks arithmetic. Before 6.6 the offset must be zero, and END exists in class ALU only. */
function arithmeticRefusals(instruction: Instruction, previous: Instruction | undefined): string[] {
  const isSwap = classOf(instruction) === CLASS.ALU64 && operation(instruction) === ALU.END;
  const isKnown = instruction.offset === 0 && !isSwap && operation(instruction) <= ALU.END;
  const pointsIntoStack =
    operation(instruction) === ALU.ADD &&
    !takesRegister(instruction) &&
    previous?.opcode === (CLASS.ALU64 | ALU.MOV | 0x08) &&
    previous.src === FRAME_POINTER &&
    previous.dst === instruction.dst;
  return [
    ...(isKnown ? [] : [`arithmetic of opcode 0x${instruction.opcode.toString(16)}, ${instruction.offset}`]),
    ...(pointsIntoStack ? stackRefusals(instruction.imm) : []),
  ];
}

function stackRefusals(offset: number): string[] {
  return offset >= -STACK_SIZE && offset < 0 ? [] : [`stack at ${offset}`];
}

function jumpRefusals(instruction: Instruction, kernel: KernelLimits): string[] {
  if (classOf(instruction) === CLASS.JMP32) {
    const isLongJump = operation(instruction) === JUMP.ALWAYS; // 6.6
    return kernel.hasJump32 && !isLongJump ? [] : [`32-bit jump`];
  }
  if (isHelperCall(instruction)) {
    // src_reg is 0 for a helper. Another value means a kernel function (5.13).
    const isHelper = instruction.src === 0 && kernel.knowsHelper(instruction.imm);
    return isHelper ? [] : [`call of helper ${instruction.imm}`];
  }
  return operation(instruction) === JUMP.CALL && !kernel.hasFunctions ? ["call of a BPF function"] : [];
}
