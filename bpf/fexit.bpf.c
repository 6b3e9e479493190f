// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Trampolines at the return of the handlers: one program sees arguments and result, and stores
 * nothing in between.
 *
 * The programs are not on nfnetlink_rcv(), which calls all handlers. The program of a trampoline
 * can be preempted, and the kernel then skips it for other tasks on that CPU. The handlers run
 * under nfnetlink's mutex, so only one runs at a time.
 */
#include "request.bpf.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EAGAIN 11

enum {
	SLOT_HANDLER,
	SLOT_REFUSAL
}; /* a refusal is not under the mutex, so it needs its own scratch */

/*
 * One element: mine_exit, which the verifier thus checks once for all handlers. Filled before any
 * attachment.
 */
MAP(PROG_ARRAY, reporters, __u32, __u32, 1);

#define HANDLER(symbol)                                                                            \
	SEC("fexit/" #symbol)                                                                      \
	int exit_##symbol(void *ctx)                                                               \
	{                                                                                          \
		bpf_tail_call(ctx, &reporters, 0);                                                 \
		return 0;                                                                          \
	}

HANDLER(ip_set_create)
HANDLER(ip_set_destroy)
HANDLER(ip_set_flush)
HANDLER(ip_set_rename)
HANDLER(ip_set_swap)
HANDLER(ip_set_dump)
HANDLER(ip_set_uadd)
HANDLER(ip_set_udel)
HANDLER(ip_set_utest)
HANDLER(ip_set_header)
HANDLER(ip_set_type)
HANDLER(ip_set_protocol)
HANDLER(ip_set_byname)
HANDLER(ip_set_byindex)

/*
 * Returns the result of (skb, const struct nfnl_info *info, attr): the word after three arguments.
 * Before 5.13 that word is a fourth argument, a pointer. The verifier forbids a shift of a pointer,
 * so the program does not load and mine takes another backend.
 */
static __always_inline __s32 result_after_three(const __u64 *ctx)
{
	__u64 result = ctx[3];

	asm volatile("%0 <<= 32" : "+r"(result));
	return (__s64)result >> 32;
}

/*
 * Reports the command of a handler that has ended. This program type needs a target; any handler
 * will do.
 */
SEC("fexit/ip_set_create")
int mine_exit(__u64 *ctx)
{
	struct mine_command command = { .result = result_after_three(ctx) };
	__u64 info[3] = {}; /* struct nfnl_info: net, sk, nlh */

	/*
	 * After -EAGAIN nfnetlink has loaded a module and replays the message: the command is not
	 * over.
	 */
	if (command.result == -EAGAIN)
		return 0;
	bpf_probe_read_kernel(info, sizeof(info), (void *)ctx[1]);
	command.net = (void *)info[0];
	command.message = info[2];
	if (is_ipset_message(command.message))
		report_handled(ctx, (void *)ctx[0], &command, SLOT_HANDLER);
	else
		COUNT(lost_message);
	return 0;
}

SEC("fentry/netlink_ack")
int BPF_PROG(mine_fentry_ack, struct sk_buff *request, void *message, int error, void *extack)
{
	report_refusal(ctx, request, (__u64)message, error, extack, SLOT_REFUSAL);
	return 0;
}
