// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// Tables of all C functions that this package calls. TypeScript infers the types of the functions from them.
// A call does not keep a pointer argument alive, so the caller keeps a reference to the buffer.
import { dlopen, type FFIFunction, FFIType, type Library } from "bun:ffi";
import { NoJitError } from "../errors.ts";

export const libcSymbols = {
  // long syscall(long number, ...): calls without a wrapper in glibc 2.17. The first argument is a pointer or
  // a number.
  syscall: {
    args: ["i64", "ptr", "i64", "i64", "i64", "i64"],
    returns: FFIType.i64_fast,
  },
  // int *__errno_location(void)
  __errno_location: { args: [], returns: "ptr" },
  // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
  mmap: { args: ["ptr", "u64", "i32", "i32", "i32", "i64"], returns: FFIType.i64_fast },
  // unsigned long getauxval(unsigned long type)
  getauxval: { args: ["u64"], returns: FFIType.u64_fast },
  // int fcntl(int fd, int operation, ...)
  fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
  // int isatty(int fd): node:tty takes 7 ms and 6 MB to load
  isatty: { args: ["i32"], returns: "i32" },
  getpagesize: { args: [], returns: "i32" },
  munmap: { args: ["ptr", "u64"], returns: "i32" },
  // int poll(struct pollfd *fds, nfds_t nfds, int timeout)
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  // int clock_gettime(clockid_t, struct timespec *)
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
} as const satisfies Record<string, FFIFunction>;

export const libbpfSymbols = {
  // void mine_set_log(void (*log)(int level, const char *line), int level): lib/shim.c
  mine_set_log: { args: ["ptr", "i32"], returns: "void" },
  // long libbpf_get_error(const void *ptr): -errno for NULL
  libbpf_get_error: { args: ["ptr"], returns: FFIType.i64_fast },
  libbpf_num_possible_cpus: { args: [], returns: "i32" },
  // const char *libbpf_version_string(void): "v1.7"
  libbpf_version_string: { args: [], returns: "ptr" },
  // int libbpf_probe_bpf_map_type(enum bpf_map_type, const void *opts): 1 yes, 0 no, -errno
  libbpf_probe_bpf_map_type: { args: ["i32", "ptr"], returns: "i32" },

  // struct btf *btf__parse(const char *path, struct btf_ext **)
  btf__parse: { args: ["ptr", "ptr"], returns: "ptr" },
  btf__free: { args: ["ptr"], returns: "void" },

  // struct bpf_object *bpf_object__open_mem(const void *buf, size_t, const struct bpf_object_open_opts *)
  bpf_object__open_mem: { args: ["ptr", "u64", "ptr"], returns: "ptr" },
  bpf_object__set_kversion: { args: ["ptr", "u32"], returns: "i32" },
  bpf_object__load: { args: ["ptr"], returns: "i32" },
  bpf_object__close: { args: ["ptr"], returns: "void" },
  bpf_object__find_map_by_name: { args: ["ptr", "ptr"], returns: "ptr" },
  bpf_object__find_program_by_name: { args: ["ptr", "ptr"], returns: "ptr" },

  // struct bpf_program *bpf_object__next_program(const struct bpf_object *, struct bpf_program *prev)
  bpf_object__next_program: { args: ["ptr", "ptr"], returns: "ptr" },
  bpf_program__name: { args: ["ptr"], returns: "ptr" },
  bpf_program__set_autoload: { args: ["ptr", "bool"], returns: "i32" },
  // int bpf_program__set_attach_target(prog, int attach_prog_fd, const char *func): 0 for a kernel function
  bpf_program__set_attach_target: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  bpf_program__fd: { args: ["ptr"], returns: "i32" },

  // int bpf_prog_get_info_by_fd(int fd, struct bpf_prog_info *, __u32 *length)
  bpf_prog_get_info_by_fd: { args: ["i32", "ptr", "ptr"], returns: "i32" },

  bpf_program__autoload: { args: ["ptr"], returns: "bool" },

  bpf_map__fd: { args: ["ptr"], returns: "i32" },
  bpf_map__type: { args: ["ptr"], returns: "i32" },
  bpf_map__key_size: { args: ["ptr"], returns: "u32" },
  bpf_map__value_size: { args: ["ptr"], returns: "u32" },
  bpf_map__max_entries: { args: ["ptr"], returns: "u32" },
  bpf_map__set_max_entries: { args: ["ptr", "u32"], returns: "i32" },
  // void *bpf_map__initial_value(const struct bpf_map *, size_t *size): for .rodata and others; writable
  // before load
  bpf_map__initial_value: { args: ["ptr", "ptr"], returns: "ptr" },
  // int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
  bpf_map_update_elem: { args: ["i32", "ptr", "ptr", "u64"], returns: "i32" },
  // int bpf_map_lookup_elem(int fd, const void *key, void *value)
  bpf_map_lookup_elem: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  // int bpf_map_delete_elem(int fd, const void *key)
  bpf_map_delete_elem: { args: ["i32", "ptr"], returns: "i32" },

  // struct bpf_link *bpf_program__attach(prog): at the place that its section names
  bpf_program__attach: { args: ["ptr"], returns: "ptr" },

  // struct bpf_link *bpf_program__attach_kprobe_opts(prog, const char *func, const struct bpf_kprobe_opts *)
  bpf_program__attach_kprobe_opts: { args: ["ptr", "ptr", "ptr"], returns: "ptr" },
  // struct bpf_link *bpf_program__attach_trace(prog): fentry, fexit
  bpf_program__attach_trace: { args: ["ptr"], returns: "ptr" },
  // struct bpf_link *bpf_program__attach_raw_tracepoint(prog, const char *name)
  bpf_program__attach_raw_tracepoint: { args: ["ptr", "ptr"], returns: "ptr" },
  // struct bpf_link *bpf_program__attach_perf_event(prog, int pfd): the link owns pfd
  bpf_program__attach_perf_event: { args: ["ptr", "i32"], returns: "ptr" },
  bpf_link__destroy: { args: ["ptr"], returns: "i32" },

  // struct perf_buffer *perf_buffer__new(int map_fd, size_t pages, sample_cb, lost_cb, ctx, opts)
  perf_buffer__new: { args: ["i32", "u64", "ptr", "ptr", "ptr", "ptr"], returns: "ptr" },
  perf_buffer__epoll_fd: { args: ["ptr"], returns: "i32" },
  perf_buffer__buffer_cnt: { args: ["ptr"], returns: FFIType.u64_fast },
  // int perf_buffer__buffer(pb, int index, void **buf, size_t *size): size without the control page
  perf_buffer__buffer: { args: ["ptr", "i32", "ptr", "ptr"], returns: "i32" },
  perf_buffer__free: { args: ["ptr"], returns: "void" },
} as const satisfies Record<string, FFIFunction>;

export type Libbpf = Library<typeof libbpfSymbols>["symbols"];

export const openLibbpf = (path: string): Libbpf => dlopen(path, libbpfSymbols).symbols;

/** Opens the C library. @throws NoJitError if the runtime cannot compile calls of C. */
export function openLibc<const Table extends Record<string, FFIFunction>>(
  table: Table,
): Library<Table>["symbols"] {
  try {
    return dlopen("libc.so.6", table).symbols;
  } catch (error) {
    if (!(error instanceof TypeError && error.message.includes("requires the JIT"))) throw error;
    throw new NoJitError("the runtime cannot allocate executable memory, and needs it for compiled code", {
      cause: error,
    });
  }
}
