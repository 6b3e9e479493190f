// libbpf, each function with its error checked. The library is loaded from memory at the first call, and stays.
import { JSCallback } from "bun:ffi";
import { closeSync, readFileSync, writeSync } from "node:fs";
import { CallError, errnoOf } from "../errors.ts";
import image from "../libbpf.so" with { type: "file" };
import { memfdCreate } from "./libc.ts";
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
  /** Warnings of the call under way, a line each. */
  warnings: string[];
  /** Receives each line of the log. */
  sink: ((level: LogLevel, line: string) => void) | undefined;
}

let library: Library | undefined;

/** @throws CallError where the library cannot be put into memory: EFBIG where the size of files is limited. */
export function loadLibbpf(): void {
  open();
}

function open(): Library {
  if (library) return library;
  const functions = openFromMemory(readFileSync(image));
  const opened: Library = { functions, warnings: [], sink: undefined };
  // Never closed: libbpf may log as long as the process lives.
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

/** Keeps what C calls from being collected. */
const callbacks: JSCallback[] = [];

/**
 * Opens the library without a file in any directory: Bun would unpack it to a predictable name in $TMPDIR, where others
 * may put one before, and where a mount option may forbid to execute it.
 */
function openFromMemory(bytes: Uint8Array): Libbpf {
  const fd = memfdCreate("libbpf.so");
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    return openLibbpf(`/proc/self/fd/${fd}`);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    throw new CallError("write to a file in memory", errno);
  } finally {
    closeSync(fd);
  }
}

/**
 * Sends libbpf's log to a function, in place of the one before. Lines come while a function of libbpf runs, on its
 * thread.
 * @param most the least important level that is formatted at all.
 */
export function setLog(most: LogLevel, sink: (level: LogLevel, line: string) => void): void {
  const opened = open();
  const [callback] = callbacks;
  opened.sink = sink;
  opened.functions.mine_set_log(callback?.ptr ?? null, LEVELS.indexOf(most));
}

/** Calls a function that returns -errno. Returns its result where that is not negative. */
function result(call: string, run: (lib: Libbpf) => number): number {
  const { functions, warnings } = open();
  warnings.length = 0;
  const value = run(functions);
  if (value < 0) throw new CallError(call, -value, [...warnings]);
  return value;
}

/** Calls a function that returns NULL and sets errno, which libbpf_get_error(NULL) returns negative. */
function pointer(call: string, run: (lib: Libbpf) => Address | bigint | null): Address {
  const { functions, warnings } = open();
  warnings.length = 0;
  const value = asAddress(run(functions));
  if (value === null) throw new CallError(call, -Number(functions.libbpf_get_error(null)), [...warnings]);
  return value;
}

/** Returns "1.7". */
export function libbpfVersion(): string {
  const version = asAddress(open().functions.libbpf_version_string());
  return version ? textAt(version).replace(/^v/, "") : "";
}

/** Returns how many CPUs the kernel may ever use: as many values has an element of a per-CPU map. */
export const possibleCpus = (): number =>
  result("libbpf_num_possible_cpus", (lib) => lib.libbpf_num_possible_cpus());

/** @param type enum bpf_map_type of linux/bpf.h. Returns undefined where the kernel does not let us try. */
export function probeMapType(type: number): boolean | undefined {
  const answer = open().functions.libbpf_probe_bpf_map_type(type, null);
  return answer < 0 ? undefined : answer === 1;
}

/** @throws CallError where libbpf cannot parse BTF in this file, raw or ELF. */
export function parseBtf(path: string): void {
  const btf = pointer("btf__parse", (lib) => lib.btf__parse(cString(path), null));
  open().functions.btf__free(btf);
}

// --- Objects

export interface OpenOptions {
  /** Name of the object in messages and in the names of maps. */
  name?: string | undefined;
  /** A file with the kernel's BTF (raw or ELF), in place of /sys/kernel/btf/vmlinux. */
  btfPath?: string | undefined;
  /** LINUX_VERSION_CODE, for kernels before 5.0, which compare it with their own. */
  versionCode?: number | undefined;
}

export function openObject(bytes: Uint8Array, { name = "bpf", btfPath, versionCode }: OpenOptions): Address {
  const options = packOptions(OPEN_OPTIONS.size, [
    [OPEN_OPTIONS.objectName, cString(name)],
    [OPEN_OPTIONS.btfCustomPath, btfPath === undefined ? null : cString(btfPath)],
    // Empty: no token, whatever LIBBPF_BPF_TOKEN_PATH in the environment says.
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

/** @param fd of a loaded program. */
export function recursionMisses(fd: number, name: string): number {
  const info = new DataView(new ArrayBuffer(PROGRAM_INFO.size));
  const length = new Uint32Array([PROGRAM_INFO.size]);
  result(`bpf_prog_get_info_by_fd(${name})`, (lib) =>
    lib.bpf_prog_get_info_by_fd(fd, new Uint8Array(info.buffer), length),
  );
  return Number(info.getBigUint64(PROGRAM_INFO.recursionMisses, true));
}

// --- Links

/** A program that is attached. Disposing of it detaches the program. */
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

/** Attaches to the PMU of kprobes. @param symbol `function` or `module:function`. */
export function attachKprobe(program: Address, symbol: string, isReturn: boolean): Link {
  const options = packOptions(KPROBE_OPTIONS.size, [
    [KPROBE_OPTIONS.retprobe, ATTACH_MODE_PERF | (isReturn ? 1n : 0n)],
  ]);
  return link(`bpf_program__attach_kprobe(${symbol})`, (lib) =>
    lib.bpf_program__attach_kprobe_opts(program, cString(symbol), options),
  );
}

/** @param fd of the perf event; libbpf takes it over, and closes it with the link. */
export function attachPerfEvent(program: Address, name: string, fd: number): Link {
  try {
    return link(`bpf_program__attach_perf_event(${name})`, (lib) =>
      lib.bpf_program__attach_perf_event(program, fd),
    );
  } catch (error) {
    closeSync(fd); // libbpf takes it over with success only
    throw error;
  }
}

// --- Maps

export const mapFd = (map: Address, name: string): number =>
  result(`bpf_map__fd(${name})`, (lib) => lib.bpf_map__fd(map));

export interface MapInfo {
  /** enum bpf_map_type of linux/bpf.h. */
  type: number;
  /** Bytes. */
  keySize: number;
  /** Bytes; of a per-CPU map on each CPU. */
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

/** Returns what the map begins with, in place: what is written there before load() is what the kernel gets. */
export function initialValue(map: Address, name: string): DataView {
  const size = new BigUint64Array(1);
  const value = pointer(`bpf_map__initial_value(${name})`, (lib) => lib.bpf_map__initial_value(map, size));
  return new DataView(memoryAt(value, Number(size[0])));
}

export const updateElement = (fd: number, name: string, key: Uint8Array, value: Uint8Array): void => {
  result(`bpf_map_update_elem(${name})`, (lib) => lib.bpf_map_update_elem(fd, key, value, 0));
};

/** Fills in the value. */
export const lookUpElement = (fd: number, name: string, key: Uint8Array, value: Uint8Array): void => {
  result(`bpf_map_lookup_elem(${name})`, (lib) => lib.bpf_map_lookup_elem(fd, key, value));
};

export const deleteElement = (fd: number, name: string, key: Uint8Array): void => {
  result(`bpf_map_delete_elem(${name})`, (lib) => lib.bpf_map_delete_elem(fd, key));
};

// --- The perf buffer

/** The memory of a perf buffer: for each CPU a control page and a ring. */
export interface PerfRings extends Disposable {
  epollFd: number;
  rings: { memory: ArrayBuffer; dataOffset: number; bytes: number }[];
}

/**
 * Opens and maps a ring for each CPU.
 * @param fd of the map.
 * @param pages of each ring: a power of two.
 * @param pageBytes how long a page is.
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
