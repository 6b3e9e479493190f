/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Trampolines at the end of the handlers (fexit): arguments and result in one program, and nothing to remember
 * in between, unless there is an error. The handlers run under nfnetlink's mutex, and so do these programs: there is never more than one
 * at a time, although they can be preempted.
 */
#ifndef MINE_FEXIT_BPF_H
#define MINE_FEXIT_BPF_H

enum { SLOT_HANDLER, SLOT_REFUSAL }; /* not under the mutex: must not share a scratch with those that are */

/* One element, mine_exit. Verified once instead of once per handler; put there before anything is attached. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} reporters SEC(".maps");

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
 * The result of (skb, const struct nfnl_info *info, attr): what comes after three arguments. In the form that
 * handlers had before 5.13 there is an argument in its place, a pointer, and the verifier does not let a
 * pointer be shifted: there the program does not load, and another rung is taken.
 */
static __always_inline __s32 result_after_three(const __u64 *ctx)
{
	__u64 result = ctx[3];

	asm volatile("%0 <<= 32" : "+r"(result));
	return (__s64)result >> 32;
}

/* Of a handler that has ended; has the target of one of them because it must have one. */
SEC("fexit/ip_set_create")
int mine_exit(__u64 *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_command command = { .result = result_after_three(ctx) };
	struct mine_call over = { .state = OVER }, *call;
	__u64 info[3] = {}; /* struct nfnl_info: net, sk, nlh */

	/* After -EAGAIN nfnetlink has loaded a module and replays the message: the command is not over. */
	if (command.result == -EAGAIN)
		return 0;
	bpf_probe_read_kernel(info, sizeof(info), (void *)ctx[1]);
	command.net = info[0];
	command.message = info[2];
	/* Nothing is remembered of what succeeds. */
	call = command.result ? bpf_map_lookup_elem(&calls, &thread) : NULL;
	if (call) {
		command.answer = call->answer;
		command.reply = call->reply;
		command.reply_len = call->reply_len;
	}
	if (is_ipset_message(command.message))
		report(ctx, &command, SLOT_HANDLER);
	else
		COUNT(lost_message);
	if (command.result == -EINTR) {
		/* There is nothing more to tell the caller. The good end of a dump, too. */
		if (call)
			bpf_map_delete_elem(&calls, &thread);
	} else if (command.result && bpf_map_update_elem(&calls, &thread, &over, BPF_ANY)) {
		COUNT(lost_call);
	}
	return 0;
}

/* The one handler that calls netlink_ack() itself, and then returns the error all the same. */
SEC("fentry/ip_set_dump")
int mine_fentry_dump(__attribute__((unused)) __u64 *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call call = { .state = RUNNING };

	if (bpf_map_update_elem(&calls, &thread, &call, BPF_ANY))
		COUNT(lost_call);
	return 0;
}

/* netlink_unicast(ssk, skb, portid, nonblock) */
SEC("fentry/netlink_unicast")
int mine_fentry_unicast(__u64 *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call call = { .state = TOLD };

	if (read_answer((void *)ctx[1], &call))
		bpf_map_update_elem(&calls, &thread, &call, BPF_NOEXIST);
	return 0;
}

/* netlink_ack(in_skb, nlh, error, extack), which has called netlink_unicast(). */
SEC("fexit/netlink_ack")
int mine_exit_ack(__u64 *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call *call;
	__u32 state;

	if (!(__s32)ctx[2])
		return 0;
	call = bpf_map_lookup_elem(&calls, &thread);
	state = call ? call->state : TOLD;
	if (state == RUNNING)
		return 0;
	if (call)
		bpf_map_delete_elem(&calls, &thread);
	if (state == TOLD)
		report_refusal(ctx, (void *)ctx[0], ctx[1], ctx[2], SLOT_REFUSAL);
	return 0;
}

#endif /* MINE_FEXIT_BPF_H */
