// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Calls libbpf and checks each call for an error. The first call loads the library from memory; it stays
// loaded.
import { JSCallback } from "bun:ffi";
import { closeSync, readFileSync } from "node:fs";
import { CallError } from "../errors.ts";
import image from "../libbpf.so" with { type: "file" };
import { memoryFile } from "./libc.ts";
import { type Address, asAddress, cString, memoryAt, packOptions, textAt } from "./memory.ts";
import { type Libbpf, openLibbpf } from "./symbols.ts";

/** enum libbpf_print_level of libbpf.h. */
const LEVELS = ["warning", "info", "debug"] as const;
export type LogLevel = (typeof LEVELS)[number];

/** struct bpf_object_open_opts of libbpf.h, up to the last field used here. */
export const OPEN_OPTIONS = { size: 88, objectName: 8, btfCustomPath: 48, bpfTokenPath: 80 } as const;
/** struct bpf_kprobe_opts { size_t sz; u64 cookie; size_t offset; bool retprobe; enum attach_mode; } of libbpf.h. */
export const KPROBE_OPTIONS = { size: 32, retprobe: 24 } as const;
/** PROBE_ATTACH_MODE_PERF, in the upper half of the word that begins with `retprobe`. */
export const ATTACH_MODE_PERF = 2n << 32n;
/** struct bpf_prog_info of linux/bpf.h, up to the last field used here. */
export const PROGRAM_INFO = { size: 216, recursionMisses: 208 } as const;

interface Library {
  functions: Libbpf;
  /** Warnings of the current call, one line each. */
  warnings: string[];
  /** Receiver of each line of the log. */
  sink: ((level: LogLevel, line: string) => void) | undefined;
}

let library: Library | undefined;

/**
 * Loads libbpf now.
 * @throws CallError if memory refuses the library: EFBIG if the size of files is limited.
 */
export function loadLibbpf(): void {
  open();
}

function open(): Library {
  if (library) return library;
  const functions = openFromMemory(readFileSync(image));
  const opened: Library = { functions, warnings: [], sink: undefined };
  // The callback stays open, because libbpf may log until the process ends.
  const callback = new JSCallback(
    (level: number, line: Address) => {
      const name = LEVELS[level] ?? "debug";
      for (const text of textAt(line)
        .trimEnd()
        .replace(/^libbpf: /, "")
        .split("\n")) {
        if (name === "warning") opened.warnings.push(text);
        opened.sink?.(name, text);
      }
    },
    { args: ["i32", "ptr"], returns: "void" },
  );
  callbacks.push(callback);
  functions.mine_set_log(callback.ptr, LEVELS.indexOf("warning"));
  library = opened;
  return library;
}

/** References that keep the garbage collector from callbacks in use by C. */
const callbacks: JSCallback[] = [];

/**
 * Opens the library without a file in a directory. Bun would unpack it to a predictable name in $TMPDIR.
 * Another program can put its own file there first, and a mount option can forbid to execute files there.
 */
function openFromMemory(bytes: Uint8Array): Libbpf {
  const fd = memoryFile("libbpf.so", bytes);
  try {
    return openLibbpf(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

/**
 * Sends libbpf's log to this function instead of the previous one. libbpf calls it on its own thread, during
 * a call.
 * @param maxLevel the most verbose level; libbpf's other messages are not formatted.
 */
export function setLog(maxLevel: LogLevel, sink: (level: LogLevel, line: string) => void): void {
  const opened = open();
  const [callback] = callbacks;
  opened.sink = sink;
  opened.functions.mine_set_log(callback?.ptr ?? null, LEVELS.indexOf(maxLevel));
}

/** Calls a function that returns -errno on failure. @returns its result. @throws CallError. */
function result(call: string, run: (lib: Libbpf) => number): number {
  const { functions, warnings } = open();
  warnings.length = 0;
  const value = run(functions);
  if (value < 0) throw new CallError(call, -value, [...warnings]);
  return value;
}

/**
 * Calls a function that returns NULL on failure and sets errno. libbpf_get_error(NULL) returns the negative
 * errno.
 * @throws CallError.
 */
function pointer(call: string, run: (lib: Libbpf) => Address | bigint | null): Address {
  const { functions, warnings } = open();
  warnings.length = 0;
  const value = asAddress(run(functions));
  if (value === null) throw new CallError(call, -Number(functions.libbpf_get_error(null)), [...warnings]);
  return value;
}

/** Returns libbpf's version: "1.7". */
export function libbpfVersion(): string {
  const version = asAddress(open().functions.libbpf_version_string());
  return version ? textAt(version).replace(/^v/, "") : "";
}

/** Returns the number of possible CPUs. An element of a per-CPU map has one value for each. */
export const possibleCpus = (): number =>
  result("libbpf_num_possible_cpus", (lib) => lib.libbpf_num_possible_cpus());

/**
 * Probes the kernel for a map type.
 * @param type enum bpf_map_type of linux/bpf.h.
 * @returns undefined if the kernel does not allow the probe.
 */
export function probeMapType(type: number): boolean | undefined {
  const answer = open().functions.libbpf_probe_bpf_map_type(type, null);
  return answer < 0 ? undefined : answer === 1;
}

/** Parses the BTF in a file, raw or ELF. @throws CallError if libbpf cannot parse it. */
export function parseBtf(path: string): void {
  const btf = pointer("btf__parse", (lib) => lib.btf__parse(cString(path), null));
  open().functions.btf__free(btf);
}

// --- Objects

export interface OpenOptions {
  /** Name of the object in messages, and prefix of its maps' names. The default is "bpf". */
  name?: string | undefined;
  /** File with the kernel's BTF (raw or ELF). It replaces /sys/kernel/btf/vmlinux. */
  btfPath?: string | undefined;
  /** LINUX_VERSION_CODE of the running kernel. Kernels before 5.0 compare it with their own. */
  versionCode?: number | undefined;
}

export function openObject(bytes: Uint8Array, { name = "bpf", btfPath, versionCode }: OpenOptions): Address {
  const options = packOptions(OPEN_OPTIONS.size, [
    [OPEN_OPTIONS.objectName, cString(name)],
    [OPEN_OPTIONS.btfCustomPath, btfPath === undefined ? null : cString(btfPath)],
    // An empty path disables tokens, so libbpf ignores LIBBPF_BPF_TOKEN_PATH in the environment.
    [OPEN_OPTIONS.bpfTokenPath, cString("")],
  ]);
  const object = pointer("bpf_object__open_mem", (lib) =>
    lib.bpf_object__open_mem(bytes, bytes.length, options),
  );
  if (versionCode !== undefined) {
    result("bpf_object__set_kversion", (lib) => lib.bpf_object__set_kversion(object, versionCode));
  }
  return object;
}

export const loadObject = (object: Address): void => {
  result("bpf_object__load", (lib) => lib.bpf_object__load(object));
};

export const closeObject = (object: Address): void => open().functions.bpf_object__close(object);

export const findProgram = (object: Address, name: string): Address =>
  pointer(`bpf_object__find_program_by_name(${name})`, (lib) =>
    lib.bpf_object__find_program_by_name(object, cString(name)),
  );

export const findMap = (object: Address, name: string): Address =>
  pointer(`bpf_object__find_map_by_name(${name})`, (lib) =>
    lib.bpf_object__find_map_by_name(object, cString(name)),
  );

// --- Programs

export const setAutoload = (program: Address, isWanted: boolean): void => {
  result("bpf_program__set_autoload", (lib) => lib.bpf_program__set_autoload(program, isWanted));
};

export const hasAutoload = (program: Address): boolean => open().functions.bpf_program__autoload(program);

/** @param target `function`, or `module:function`, which libbpf finds much faster. */
export const setAttachTarget = (program: Address, target: string): void => {
  result(`bpf_program__set_attach_target(${target})`, (lib) =>
    lib.bpf_program__set_attach_target(program, 0, cString(target)),
  );
};

export const programFd = (program: Address, name: string): number =>
  result(`bpf_program__fd(${name})`, (lib) => lib.bpf_program__fd(program));

/** Returns the kernel's count of skipped runs. @param fd a loaded program. */
export function recursionMisses(fd: number, name: string): number {
  const info = new DataView(new ArrayBuffer(PROGRAM_INFO.size));
  const length = new Uint32Array([PROGRAM_INFO.size]);
  result(`bpf_prog_get_info_by_fd(${name})`, (lib) =>
    lib.bpf_prog_get_info_by_fd(fd, new Uint8Array(info.buffer), length),
  );
  return Number(info.getBigUint64(PROGRAM_INFO.recursionMisses, true));
}

// --- Links

/** An attached program. Its disposal detaches the program. */
export type Link = Disposable;

function link(call: string, run: (lib: Libbpf) => Address | bigint | null): Link {
  const address = pointer(call, run);
  return {
    [Symbol.dispose]: () => {
      open().functions.bpf_link__destroy(address);
    },
  };
}

export const attach = (program: Address, name: string): Link =>
  link(`bpf_program__attach(${name})`, (lib) => lib.bpf_program__attach(program));

export const attachTrace = (program: Address, name: string): Link =>
  link(`bpf_program__attach_trace(${name})`, (lib) => lib.bpf_program__attach_trace(program));

export const attachRawTracepoint = (program: Address, tracepoint: string): Link =>
  link(`bpf_program__attach_raw_tracepoint(${tracepoint})`, (lib) =>
    lib.bpf_program__attach_raw_tracepoint(program, cString(tracepoint)),
  );

/** Attaches through the kprobe PMU. @param symbol `function` or `module:function`. */
export function attachKprobe(program: Address, symbol: string, isReturn: boolean): Link {
  const options = packOptions(KPROBE_OPTIONS.size, [
    [KPROBE_OPTIONS.retprobe, ATTACH_MODE_PERF | (isReturn ? 1n : 0n)],
  ]);
  return link(`bpf_program__attach_kprobe(${symbol})`, (lib) =>
    lib.bpf_program__attach_kprobe_opts(program, cString(symbol), options),
  );
}

/**
 * Attaches to a perf event.
 * @param fd the perf event. The link owns it and closes it.
 * @throws CallError. The perf event is closed then too.
 */
export function attachPerfEvent(program: Address, name: string, fd: number): Link {
  try {
    return link(`bpf_program__attach_perf_event(${name})`, (lib) =>
      lib.bpf_program__attach_perf_event(program, fd),
    );
  } catch (error) {
    closeSync(fd); // libbpf owns it only after a success
    throw error;
  }
}

// --- Maps

export const mapFd = (map: Address, name: string): number =>
  result(`bpf_map__fd(${name})`, (lib) => lib.bpf_map__fd(map));

export interface MapInfo {
  /** enum bpf_map_type of linux/bpf.h. */
  type: number;
  /** Bytes of a key. */
  keySize: number;
  /** Bytes of a value; for a per-CPU map, of the value of one CPU. */
  valueSize: number;
  maxEntries: number;
}

export function mapInfo(map: Address): MapInfo {
  const { functions } = open();
  return {
    type: functions.bpf_map__type(map),
    keySize: functions.bpf_map__key_size(map),
    valueSize: functions.bpf_map__value_size(map),
    maxEntries: functions.bpf_map__max_entries(map),
  };
}

export const setMaxEntries = (map: Address, name: string, entries: number): void => {
  result(`bpf_map__set_max_entries(${name})`, (lib) => lib.bpf_map__set_max_entries(map, entries));
};

/** Returns a map's initial value in place. load() gives these bytes to the kernel. */
export function initialValue(map: Address, name: string): DataView {
  const size = new BigUint64Array(1);
  const value = pointer(`bpf_map__initial_value(${name})`, (lib) => lib.bpf_map__initial_value(map, size));
  return new DataView(memoryAt(value, Number(size[0])));
}

export const updateElement = (fd: number, name: string, key: Uint8Array, value: Uint8Array): void => {
  result(`bpf_map_update_elem(${name})`, (lib) => lib.bpf_map_update_elem(fd, key, value, 0));
};

/** Reads an element into `value`. */
export const lookUpElement = (fd: number, name: string, key: Uint8Array, value: Uint8Array): void => {
  result(`bpf_map_lookup_elem(${name})`, (lib) => lib.bpf_map_lookup_elem(fd, key, value));
};

export const deleteElement = (fd: number, name: string, key: Uint8Array): void => {
  result(`bpf_map_delete_elem(${name})`, (lib) => lib.bpf_map_delete_elem(fd, key));
};

// --- The perf buffer

/** Memory of a perf buffer: a control page and a ring for each CPU. */
export interface PerfRings extends Disposable {
  epollFd: number;
  rings: { memory: ArrayBuffer; dataOffset: number; bytes: number }[];
}

/**
 * Opens and maps a ring for each CPU.
 * @param fd a map of type BPF_MAP_TYPE_PERF_EVENT_ARRAY.
 * @param pages number of pages of each ring: a power of two.
 * @param pageBytes bytes of a page.
 * @throws CallError.
 */
export function openPerfRings(fd: number, pages: number, pageBytes: number): PerfRings {
  const { functions } = open();
  const buffer = pointer("perf_buffer__new", (lib) =>
    lib.perf_buffer__new(fd, pages, null, null, null, null),
  );
  using stack = new DisposableStack();
  stack.defer(() => functions.perf_buffer__free(buffer));
  const epollFd = result("perf_buffer__epoll_fd", (lib) => lib.perf_buffer__epoll_fd(buffer));
  const base = new BigUint64Array(1);
  const length = new BigUint64Array(1);
  const rings = Array.from({ length: Number(functions.perf_buffer__buffer_cnt(buffer)) }, (_, index) => {
    result("perf_buffer__buffer", (lib) => lib.perf_buffer__buffer(buffer, index, base, length));
    const bytes = Number(length[0]);
    const memory = memoryAt(Number(base[0]) as Address, pageBytes + bytes);
    return { memory, dataOffset: pageBytes, bytes };
  });
  const held = stack.move();
  return { epollFd, rings, [Symbol.dispose]: () => held.dispose() };
}
