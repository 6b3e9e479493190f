/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is known of a thread while a handler of ipset works for it, and what the kernel tells the caller itself. */
#ifndef MINE_CALL_BPF_H
#define MINE_CALL_BPF_H

enum mine_state {
	RUNNING, /* the handler has not returned; what netlink_ack() tells now is its own affair */
	TOLD,	 /* the caller was sent an error, and it is not known yet by whom */
	OVER,	 /* the handler returned an error; netlink_ack() will tell the caller, and is to be ignored */
};

/* A command under way, in one thread. */
struct mine_call {
	__u64 message;	/* its address; 0 when none was found */
	__u64 net;	/* struct net of the sets */
	__s32 answer;	/* the error that the handler sent by itself */
	__u32 state;
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
 * Is this message to the caller the refusal of a message of ipset? Then what it says goes into call.
 * When a line of a batch fails, call_ad() sends the error itself and returns -EINTR; before 5.6 a dump that
 * finds no set does the like.
 */
static __always_inline bool read_answer(struct sk_buff *skb, struct mine_call *call)
{
	struct {
		struct nlmsghdr header;
		__s32 error; /* struct nlmsgerr: the error, then the message that it answers */
		struct nlmsghdr message;
	} reply = {};
	__u64 data = (__u64)BPF_CORE_READ(skb, data), before = sizeof(reply) - sizeof(reply.message), length;

	if (bpf_probe_read_kernel(&reply, sizeof(reply), (void *)data))
		return false;
	if (reply.header.nlmsg_type != NLMSG_ERROR || reply.header.nlmsg_len < sizeof(reply) || !reply.error ||
	    reply.message.nlmsg_type >> 8 != NFNL_SUBSYS_IPSET)
		return false;
	call->answer = reply.error;
	length = AT_MOST(reply.header.nlmsg_len - before, MINE_REPLY_MAX);
	call->reply_len = length;
	if (bpf_probe_read_kernel(call->reply, length, (void *)(data + before)))
		call->reply_len = 0;
	return true;
}

/*
 * netlink_ack(in_skb, nlh, error, extack), when no handler has seen the message: nfnetlink refuses who lacks
 * CAP_NET_ADMIN, and messages that cannot be parsed.
 */
static __always_inline void report_refusal(void *ctx, struct sk_buff *skb, __u64 message, __s32 error, __u32 slot)
{
	struct mine_command command = {
		.message = message,
		.result = error,
		.flags = MINE_REFUSED,
	};

	if (!is_ipset_message(message))
		return;
	command.net = (__u64)BPF_CORE_READ(skb, sk, __sk_common.skc_net.net);
	report(ctx, &command, slot);
}

#endif /* MINE_CALL_BPF_H */
