// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Copies kernel memory for one thread, on a kernel without BTF. It has no relocation: user space
 * finds the offsets of fields in these copies (src/offsets).
 *
 * It runs when the kernel frees a socket buffer. The thread sends a netlink request, which the
 * kernel frees in the thread's context.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* An unmapped address fails one piece, not the whole copy. */
#define PIECE  256
#define PIECES 16

/* Addresses with another meaning in mine_copy.address. */
enum mine_base {
	MINE_TASK = 1,	 /* the current task_struct */
	MINE_BUFFER = 2, /* the socket buffer that is being freed */
};

/* Element 0 of the "copies" map: a request of user space and its answer. */
struct mine_copy {
	__u64 thread;  /* bpf_get_current_pid_tgid() of the asking thread; 0: answered */
	__u64 address; /* enum mine_base, or an address; the answer has the address */
	__u64 pieces;  /* bit N: piece N of bytes is valid */
	__u8 bytes[PIECE * PIECES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mine_copy);
} copies SEC(".maps");

/* The first fields of skb:consume_skb, on every kernel. */
struct mine_tracepoint {
	__u64 common;
	__u64 skb;
};

static __always_inline void copy_memory(__u64 skb)
{
	__u32 first = 0;
	struct mine_copy *copy = bpf_map_lookup_elem(&copies, &first);
	__u64 address, pieces = 0;

	if (!copy || copy->thread != bpf_get_current_pid_tgid())
		return;
	address = copy->address;
	if (address == MINE_TASK)
		address = bpf_get_current_task();
	else if (address == MINE_BUFFER)
		address = skb;
	/* Only kernel addresses. */
	if ((__s64)address >= 0)
		return;
#pragma unroll
	for (int i = 0; i < PIECES; i++) {
		if (!bpf_probe_read_kernel(copy->bytes + i * PIECE, PIECE,
					   (void *)(address + i * PIECE)))
			pieces |= 1ULL << i;
	}
	copy->address = address;
	copy->pieces = pieces;
	copy->thread = 0;
}

SEC("tracepoint")
int mine_copy(struct mine_tracepoint *ctx)
{
	copy_memory(ctx->skb);
	return 0;
}

/* Since 4.17 (c4f6699dfcb8). Unlike a perf event it can be detached without a wait. */
SEC("raw_tracepoint")
int mine_copy_raw(__u64 *ctx)
{
	copy_memory(ctx[0]);
	return 0;
}
