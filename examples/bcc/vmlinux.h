/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Replaces vmlinux.h and libbpf's headers when BCC compiles bpf/. The types come from the headers
 * of the running kernel, so all offsets are right without BTF. Needs Linux 5.6 (where sk_protocol
 * is no bit field) and CONFIG_AUDIT.
 */
#include <linux/cgroup.h>
#include <linux/netlink.h>
#include <net/scm.h>
#include <net/sock.h>

/* kernel/cgroup/cgroup-internal.h, which is not among the headers. */
struct cgrp_cset_link {
	struct cgroup *cgrp;
	struct css_set *cset;
	struct list_head cset_link;
	struct list_head cgrp_link;
};

/* linux/cgroup.h has a function of this name. */
#define cgroup_id mine_cgroup_id

/* BCC names the sections of programs itself. */
#define SEC(name)

#define MAP(kind, name, key_type, value_type, entries)                                             \
	MAP_##kind(name, key_type, value_type, entries)
#define MAP_ARRAY(name, key_type, value_type, entries)                                             \
	BPF_TABLE("array", key_type, value_type, name, entries)
#define MAP_PERCPU_ARRAY(name, key_type, value_type, entries)                                      \
	BPF_TABLE("percpu_array", key_type, value_type, name, entries)
#define MAP_LRU_HASH(name, key_type, value_type, entries)                                          \
	BPF_TABLE("lru_hash", key_type, value_type, name, entries)
#define MAP_PERF_EVENT_ARRAY(name, ...) BPF_PERF_OUTPUT(name)

/*
 * These kernels have each field that bpf/ reads, except fields of older kernels. Types of the
 * latter end in
 * ___o.
 */
#define bpf_core_field_exists(field)	   (!__builtin_strstr(#field, "___o"))
#define bpf_core_field_offset(type, field) offsetof(type, field)
#define bpf_core_type_size(type)	   sizeof(type)
#define bpf_core_read(to, size, from)	   bpf_probe_read_kernel(to, size, from)
#define preserve_access_index

#define READ_1(from, field)                                                                        \
	({                                                                                         \
		typeof((from)->field) value;                                                       \
		bpf_probe_read_kernel((void *)&value, sizeof(value), &(from)->field);              \
		value;                                                                             \
	})
#define READ_2(from, first, ...)      READ_1(READ_1(from, first), __VA_ARGS__)
#define READ_3(from, first, ...)      READ_2(READ_1(from, first), __VA_ARGS__)
#define READ_N(_1, _2, _3, read, ...) read
#define BPF_CORE_READ(from, ...)      READ_N(__VA_ARGS__, READ_3, READ_2, READ_1)(from, __VA_ARGS__)
#define BPF_CORE_READ_BITFIELD_PROBED BPF_CORE_READ

/*
 * BCC accepts only programs with a context and no other arguments. -Wno-int-conversion allows a
 * register as a pointer.
 */
#define PROGRAM(name, call, ...)                                                                   \
	name(struct pt_regs *ctx);                                                                 \
	static __always_inline int name##_body(struct pt_regs *ctx, __VA_ARGS__);                  \
	int name(struct pt_regs *ctx)                                                              \
	{                                                                                          \
		return call;                                                                       \
	}                                                                                          \
	static __always_inline int name##_body(struct pt_regs *ctx, __VA_ARGS__)
/* All probes of bpf/kprobe.bpf.c take four arguments. */
#define BPF_KPROBE(name, ...)                                                                      \
	PROGRAM(name,                                                                              \
		name##_body(ctx, PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx),       \
			    PT_REGS_PARM4(ctx)),                                                   \
		__VA_ARGS__)
#define BPF_KRETPROBE(name, ...) PROGRAM(name, name##_body(ctx, PT_REGS_RC(ctx)), __VA_ARGS__)
