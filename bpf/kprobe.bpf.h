/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A probe where a handler of ipset is entered and one where it returns, and two where the kernel answers the
 * caller by other ways than the handler's result. One pair of programs serves all handlers (ip_set_create,
 * ip_set_uadd, ...).
 */
#ifndef MINE_KPROBE_BPF_H
#define MINE_KPROBE_BPF_H

/*
 * The message is found by evidence, not by version, because distributions move netfilter on its own
 * (RHEL 8's 4.18):
 *   since 5.13  (skb, const struct nfnl_info *info, attr), and info begins with { net, sk, nlh }
 *   before      (net, ctnl, skb, nlh, attr, extack)
 * In the old form the second argument is a struct sock, whose third word is small integers (family,
 * state, flags) and never a kernel address, so asking for the new form first cannot err.
 * struct nfnl_info is read by offset: it is a type of the nfnetlink module, absent from vmlinux BTF.
 */
static __always_inline void find_message(struct pt_regs *ctx, struct mine_call *call)
{
	__u64 info[3] = {}; /* net, sk, nlh */

	bpf_probe_read_kernel(info, sizeof(info), (void *)PT_REGS_PARM2(ctx));
	if (is_ipset_message(info[2])) {
		call->net = info[0];
		call->message = info[2];
	} else if (is_ipset_message(PT_REGS_PARM4(ctx))) {
		call->net = PT_REGS_PARM1(ctx);
		call->message = PT_REGS_PARM4(ctx);
	}
}

/* ip_set_create() and the other handlers. */
SEC("kprobe")
int mine_enter(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call call = {};

	/* Recorded even when no message is found, so that its return is not taken for one without an entry. */
	find_message(ctx, &call);
	if (bpf_map_update_elem(&calls, &thread, &call, BPF_ANY))
		COUNT(lost_call);
	return 0;
}

SEC("kretprobe")
int mine_return(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call *under_way = bpf_map_lookup_elem(&calls, &thread);
	struct mine_command command = { .result = PT_REGS_RC(ctx) };

	if (!under_way) {
		COUNT(lost_entry);
		return 0;
	}
	command.message = under_way->message;
	command.net = under_way->net;
	command.answer = under_way->answer;
	command.reply = under_way->reply;
	command.reply_len = under_way->reply_len;
	/* After -EAGAIN nfnetlink has loaded a module and replays the message: the command is not over. */
	if (!command.message)
		COUNT(lost_message);
	else if (command.result != -EAGAIN)
		report(ctx, &command, 0);
	/*
	 * An error is now told to the caller by netlink_ack(), which mine_ack must not take for another
	 * command. Not so -EINTR, which means that there is nothing more to tell.
	 */
	if (command.result && command.result != -EINTR && command.result != -EAGAIN)
		under_way->state = OVER;
	else
		bpf_map_delete_elem(&calls, &thread);
	return 0;
}

SEC("kprobe")
int mine_unicast(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call *under_way = bpf_map_lookup_elem(&calls, &thread);

	/* netlink_unicast(ssk, skb, portid, nonblock) */
	if (under_way && under_way->state == RUNNING)
		read_answer((void *)PT_REGS_PARM2(ctx), under_way);
	return 0;
}

SEC("kprobe")
int mine_ack(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call *under_way;

	if (!(__s32)PT_REGS_PARM3(ctx))
		return 0;
	under_way = bpf_map_lookup_elem(&calls, &thread);
	if (!under_way)
		report_refusal(ctx, (void *)PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx), 0);
	else if (under_way->state == OVER)
		bpf_map_delete_elem(&calls, &thread);
	return 0;
}

#endif /* MINE_KPROBE_BPF_H */
