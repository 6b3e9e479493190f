/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A request and its answers, as the kernel holds them. Every message to nfnetlink, however it was
 * sent, is in one socket buffer of the kernel's own socket; every answer is in one of the sender's.
 * Nothing is read from the caller's memory, which may change, and no file descriptor is asked,
 * which may be another one by now. net/netlink/af_netlink.c, net/netfilter/nfnetlink.c; the same
 * from 4.15 to 7.x.
 */
#ifndef MINE_REQUEST_BPF_H
#define MINE_REQUEST_BPF_H

#include "event.bpf.h"

#define AF_NETLINK	  16
#define NETLINK_NETFILTER 12
#define NLMSG_ERROR	  2
#define NFNL_SUBSYS_IPSET 6
#define MESSAGE_MIN	  20 /* struct nlmsghdr and struct nfgenmsg: no ipset message is shorter */
#define EINTR		  4

/* NETLINK_CB() of linux/netlink.h */
static __always_inline struct netlink_skb_parms *netlink_cb(struct sk_buff *skb)
{
	return (void *)skb + bpf_core_field_offset(struct sk_buff, cb);
}

/*
 * @return the address of a request's first message. The kernel pulls each message that it has
 * handled: skb->data moves.
 */
static __always_inline __u64 first_message(struct sk_buff *skb)
{
	return (__u64)BPF_CORE_READ(skb, head);
}

/* @return whether messages to and from nfnetlink go through this socket */
static __always_inline bool is_netfilter(struct sock *sock)
{
	if (BPF_CORE_READ(sock, __sk_common.skc_family) != AF_NETLINK)
		return false;
	/* A bit field before 5.6 (bf9765145b85). */
	return BPF_CORE_READ_BITFIELD_PROBED(sock, sk_protocol) == NETLINK_NETFILTER;
}

static __always_inline bool is_ipset(const struct nlmsghdr *header)
{
	return header->nlmsg_type >> 8 == NFNL_SUBSYS_IPSET && header->nlmsg_len >= MESSAGE_MIN;
}

/*
 * Is this the address of an ipset message? A user-space address is refused first: on a kernel where
 * the argument is something else, its owner could have put a message of his own there.
 */
static __always_inline bool is_ipset_message(__u64 address)
{
	struct nlmsghdr header;

	if ((__s64)address >= 0)
		return false;
	return !bpf_probe_read_kernel(&header, sizeof(header), (void *)address) &&
	       is_ipset(&header);
}

/* The beginning of an acknowledgement: struct nlmsghdr and struct nlmsgerr. */
struct mine_ack {
	struct nlmsghdr header;
	__s32 error;
	struct nlmsghdr request; /* and with an error, the rest of the request */
};

#define REPLY_OFFSET __builtin_offsetof(struct mine_ack, request)

/*
 * @return whether the kernel acknowledges an ipset message in it; then @ack is filled in. Others
 * may send the like.
 */
static __always_inline bool read_ack(struct sk_buff *skb, struct mine_ack *ack)
{
	if (BPF_CORE_READ(netlink_cb(skb), portid))
		return false;
	return !bpf_probe_read_kernel(ack, sizeof(*ack), BPF_CORE_READ(skb, data)) &&
	       ack->header.nlmsg_type == NLMSG_ERROR && ack->header.nlmsg_len >= sizeof(*ack);
}

/* An acknowledgement that was not asked for is sent for an error alone. */
static __always_inline bool is_ack_of(const struct mine_ack *ack, const struct nlmsghdr *message)
{
	return ack->header.nlmsg_seq == message->nlmsg_seq &&
	       ack->request.nlmsg_type == message->nlmsg_type &&
	       ack->request.nlmsg_len == message->nlmsg_len;
}

/* @reply: address of the message that came back with the error. */
static __always_inline void set_answer(struct mine_command *command, const struct mine_ack *ack,
				       __u64 reply)
{
	command->answer = ack->error;
	command->reply = (void *)reply;
	command->reply_len = ack->header.nlmsg_len - REPLY_OFFSET;
}

/* @return the head of the list, which links the last answer to the first */
static __always_inline struct sk_buff *receive_queue(struct sock *sock)
{
	return (void *)sock + bpf_core_field_offset(struct sock, sk_receive_queue);
}

/* How far from the end of the receive queue an answer may be that was put there a moment ago. */
#define LAST_ANSWERS 4

/*
 * A handler has returned -EINTR: there is nothing more to tell the caller. It has begun a dump, or
 * it has sent an error of its own, which then is among the last answers: which line of a batch
 * failed (call_ad()); before 5.6, that there is no such set to be dumped.
 */
static __always_inline void find_own_answer(struct sk_buff *request, struct mine_command *command,
					    const struct nlmsghdr *message)
{
	struct sock *sock = BPF_CORE_READ(netlink_cb(request), sk);
	struct sk_buff *skb = receive_queue(sock), *queue = skb;
	struct mine_ack ack;

#pragma unroll
	for (int step = 0; step < LAST_ANSWERS; step++) {
		skb = BPF_CORE_READ(skb, prev);
		if (!skb || skb == queue)
			return;
		if (read_ack(skb, &ack) && ack.error && is_ack_of(&ack, message)) {
			set_answer(command, &ack, (__u64)BPF_CORE_READ(skb, data) + REPLY_OFFSET);
			return;
		}
	}
}

/*
 * The errors that handlers returned, by thread: netlink_ack() comes right after, and must not be
 * taken for a refusal. Nothing waits in between, so few threads are ever in it. By
 * bpf_get_current_pid_tgid(): the message's address.
 */
MAP(LRU_HASH, reported, __u64, __u64, 4096);

MAP(ARRAY, checks, __u32, struct mine_check, 1);

/*
 * Reads facts about the current task. Another kernel's BTF gives wrong offsets, and these facts are
 * then garbage.
 */
static __always_inline void check_reading(const struct nlmsghdr *message, struct net *net)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	FILTER *filter = what_is_wanted();
	struct mine_check check = {};
	const struct cred *cred;
	struct mm_struct *mm;
	__u32 first = 0;

	if (!filter || !filter->check || message->nlmsg_seq != filter->check)
		return;
	mm = BPF_CORE_READ(task, mm);
	check.arguments_len = BPF_CORE_READ(mm, arg_end) - BPF_CORE_READ(mm, arg_start);
	check.ppid = BPF_CORE_READ(task, real_parent, tgid);
	cred = BPF_CORE_READ(task, cred);
	check.effective_uid = BPF_CORE_READ(cred, euid.val);
	check.login_uid = login_uid(task);
	check.session_id = session_id(task);
	check.netns = BPF_CORE_READ(net, ns.inum);
	check.is_read = true;
	bpf_map_update_elem(&checks, &first, &check, BPF_ANY);
}

/*
 * Reports a command that a handler has ended. Its mutex is held: there is no other in the same
 * slot.
 */
static __always_inline void report_handled(void *ctx, struct sk_buff *request,
					   struct mine_command *command, __u32 slot)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct nlmsghdr header = {};

	bpf_probe_read_kernel(&header, sizeof(header), (void *)command->message);
	if (command->result == -EINTR)
		find_own_answer(request, command, &header);
	else if (command->result)
		bpf_map_update_elem(&reported, &thread, &command->message, BPF_ANY);
	report(ctx, command, &header, slot);
}

/*
 * netlink_ack(request, message, error, extack): where no handler has seen the message, nfnetlink
 * has refused it, because its sender lacks CAP_NET_ADMIN, or because it cannot be parsed.
 */
static __always_inline void report_refusal(void *ctx, struct sk_buff *request, __u64 message,
					   __s32 error, const void *extack, __u32 slot)
{
	__u64 thread = bpf_get_current_pid_tgid(), *handled;
	struct mine_command command = { .message = message,
					.result = error,
					.flags = MINE_REFUSED };
	struct sock *sock = BPF_CORE_READ(request, sk);
	struct nlmsghdr header;

	/* Others' messages may look like ipset's. */
	if (!is_netfilter(sock) || bpf_probe_read_kernel(&header, sizeof(header), (void *)message))
		return;
	command.net = BPF_CORE_READ(sock, __sk_common.skc_net.net);
	check_reading(&header, command.net);
	if (!error || !is_ipset(&header))
		return;
	handled = bpf_map_lookup_elem(&reported, &thread);
	if (handled) {
		__u64 before = *handled;

		bpf_map_delete_elem(&reported, &thread);
		if (before == message)
			return;
	}
	/*
	 * ip_set_dump() acknowledges by itself, without extack, and then returns the error all the
	 * same.
	 */
	if (!extack && error != -EPERM)
		return;
	report(ctx, &command, &header, slot);
}

#endif /* MINE_REQUEST_BPF_H */
