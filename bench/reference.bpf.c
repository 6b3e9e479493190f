// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The kernel side of the reference for mine, written like most such tools: a kprobe and a kretprobe
 * for each handler, a hash map from entry to return, a perf buffer. It runs on the bench's kernels
 * only: the handlers' arguments are those of Linux 5.13 and later.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "reference.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define IPSET_ATTR_SETNAME  2
#define IPSET_ATTR_TYPENAME 3 /* also IPSET_ATTR_SETNAME2 */
#define NLA_HDRLEN	    4

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct event);
} entries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

/* Copies a name attribute. Without the attribute the name stays empty. */
static __always_inline void copy_name(char *name, const void *attributes, unsigned int which)
{
	const char *attribute = 0;

	bpf_probe_read_kernel(&attribute, sizeof(attribute),
			      attributes + which * sizeof(attribute));
	if (attribute)
		bpf_probe_read_kernel_str(name, SET_NAME_MAX, attribute + NLA_HDRLEN);
}

static __always_inline int enter(struct pt_regs *ctx, enum command command)
{
	const void *attributes = (const void *)PT_REGS_PARM3(ctx);
	__u64 ids = bpf_get_current_pid_tgid();
	__u32 thread = ids;
	struct event event = {
		.pid = ids >> 32,
		.uid = bpf_get_current_uid_gid(),
		.command = command,
	};

	bpf_get_current_comm(event.comm, sizeof(event.comm));
	copy_name(event.set, attributes, IPSET_ATTR_SETNAME);
	copy_name(event.second, attributes, IPSET_ATTR_TYPENAME);
	bpf_map_update_elem(&entries, &thread, &event, BPF_ANY);
	return 0;
}

static __always_inline int leave(struct pt_regs *ctx)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct event *event = bpf_map_lookup_elem(&entries, &thread);

	if (!event)
		return 0;
	event->result = PT_REGS_RC(ctx);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, event, sizeof(*event));
	bpf_map_delete_elem(&entries, &thread);
	return 0;
}

#define HANDLER(name, command)                                                                     \
	SEC("kprobe/ip_set_" #name) int enter_##name(struct pt_regs *ctx)                          \
	{                                                                                          \
		return enter(ctx, command);                                                        \
	}                                                                                          \
	SEC("kretprobe/ip_set_" #name) int leave_##name(struct pt_regs *ctx)                       \
	{                                                                                          \
		return leave(ctx);                                                                 \
	}

HANDLER(create, CREATE)
HANDLER(destroy, DESTROY)
HANDLER(flush, FLUSH)
HANDLER(rename, RENAME)
HANDLER(swap, SWAP)
HANDLER(dump, DUMP)
HANDLER(utest, TEST)
HANDLER(uadd, ADD)
HANDLER(udel, DEL)
