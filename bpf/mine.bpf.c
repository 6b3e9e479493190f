// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The kernel side: a probe where an ipset handler is entered, one where it returns, and two where the kernel
 * answers the caller by other ways than the handler's result.
 *
 * All handlers (ip_set_create, ip_set_uadd, ...) receive the same thing, a netlink message, so one pair of
 * programs serves them all and no attribute is decoded here: the message goes to user space as it is.
 *
 * Compiled twice. The modern object uses the ring buffer (Linux 5.8). The legacy object (MINE_LEGACY) must
 * pass the verifier of 4.15: no loops, no global data, no calls, helpers of that time, and every variable
 * length bounded in the very register that is used, because a spilled one loses its bounds.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "mine.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EPERM 1
#define EINTR 4
#define EAGAIN 11
#define ENOSPC 28
#define NLMSG_ERROR 2
#define NFNL_SUBSYS_IPSET 6
#define MESSAGE_MIN 20 /* struct nlmsghdr and struct nfgenmsg: no ipset message is shorter */

#include "compat.bpf.h"
#include "event.bpf.h"

/* A command under way, in one thread. */
struct mine_call {
	__u64 message;	/* its address; 0 when none was found */
	__u64 net;	/* struct net of the sets */
	__s32 answer;	/* the error that the handler sent by itself */
	__u32 is_over;	/* the handler returned an error; netlink_ack() will tell the caller, and is to be ignored */
	__u64 reply_len;
	__u8 reply[MINE_REPLY_MAX]; /* the beginning of the message that was sent back with the answer */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* bpf_get_current_pid_tgid() */
	__type(value, struct mine_call);
} calls SEC(".maps");

/*
 * Is this the address of an ipset message? A user-space address is refused first: on a kernel where the
 * argument is something else, its owner could have put a message of his own there.
 */
static __always_inline bool is_ipset_message(__u64 address)
{
	struct nlmsghdr header;

	if ((__s64)address >= 0)
		return false;
	if (bpf_probe_read_kernel(&header, sizeof(header), (void *)address))
		return false;
	return header.nlmsg_type >> 8 == NFNL_SUBSYS_IPSET && header.nlmsg_len >= MESSAGE_MIN;
}

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
		report(ctx, &command);
	/*
	 * An error is now told to the caller by netlink_ack(), which mine_ack must not take for another
	 * command. Not so -EINTR, which means that there is nothing more to tell.
	 */
	if (command.result && command.result != -EINTR && command.result != -EAGAIN)
		under_way->is_over = 1;
	else
		bpf_map_delete_elem(&calls, &thread);
	return 0;
}

/*
 * netlink_unicast(ssk, skb, portid, nonblock): when a line of a batch fails, call_ad() sends the error itself
 * and returns -EINTR; before 5.6 a dump that finds no set does the like.
 */
SEC("kprobe")
int mine_unicast(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call *under_way = bpf_map_lookup_elem(&calls, &thread);
	struct {
		struct nlmsghdr header;
		__s32 error; /* struct nlmsgerr: the error, then the message that it answers */
	} reply = {};
	struct sk_buff *skb;
	__u64 data, length;

	if (!under_way || under_way->is_over)
		return 0;
	skb = (void *)PT_REGS_PARM2(ctx);
	data = (__u64)BPF_CORE_READ(skb, data);
	if (bpf_probe_read_kernel(&reply, sizeof(reply), (void *)data))
		return 0;
	if (reply.header.nlmsg_type != NLMSG_ERROR || reply.header.nlmsg_len < sizeof(reply))
		return 0;
	under_way->answer = reply.error;
	length = AT_MOST(reply.header.nlmsg_len - sizeof(reply), MINE_REPLY_MAX);
	under_way->reply_len = length;
	if (bpf_probe_read_kernel(under_way->reply, length, (void *)(data + sizeof(reply))))
		under_way->reply_len = 0;
	return 0;
}

/*
 * netlink_ack(in_skb, nlh, err, extack): nfnetlink refuses who lacks CAP_NET_ADMIN, and messages that cannot
 * be parsed, before a handler is called.
 */
SEC("kprobe")
int mine_ack(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call *under_way = bpf_map_lookup_elem(&calls, &thread);
	struct mine_command command = {
		.message = PT_REGS_PARM2(ctx),
		.result = PT_REGS_PARM3(ctx),
		.flags = MINE_REFUSED,
	};
	struct sk_buff *skb = (void *)PT_REGS_PARM1(ctx);

	if (under_way) {
		if (under_way->is_over)
			bpf_map_delete_elem(&calls, &thread);
		return 0;
	}
	if (!command.result || !is_ipset_message(command.message))
		return 0;
	command.net = (__u64)BPF_CORE_READ(skb, sk, __sk_common.skc_net.net);
	report(ctx, &command);
	return 0;
}
