/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A request and its answers, as the kernel holds them. Every message to nfnetlink is in one socket
 * buffer of the kernel's own socket, after any system call. Every answer is in a socket buffer of
 * the sender's socket. Nothing is read from the caller's memory, which may change. No file
 * descriptor is read, because it may refer to another file by now. net/netlink/af_netlink.c,
 * net/netfilter/nfnetlink.c; the same from 4.15 to 7.x.
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
 * Returns the address of a request's first message. The kernel pulls each handled message, which
 * moves skb->data.
 */
static __always_inline __u64 first_message(struct sk_buff *skb)
{
	return (__u64)BPF_CORE_READ(skb, head);
}

/* Returns whether this socket carries messages to and from nfnetlink. */
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
 * Returns whether an ipset message is at this address. A user-space address is refused first: on a
 * kernel with another argument here, the caller could have forged a message there.
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
	struct nlmsghdr request; /* with an error, the rest of the request follows */
};

#define REPLY_OFFSET __builtin_offsetof(struct mine_ack, request)

/*
 * Reads an acknowledgement of the kernel. Returns false for any other message, such as another
 * program's.
 */
static __always_inline bool read_ack(struct sk_buff *skb, struct mine_ack *ack)
{
	if (BPF_CORE_READ(netlink_cb(skb), portid))
		return false;
	return !bpf_probe_read_kernel(ack, sizeof(*ack), BPF_CORE_READ(skb, data)) &&
	       ack->header.nlmsg_type == NLMSG_ERROR && ack->header.nlmsg_len >= sizeof(*ack);
}

/* Without NLM_F_ACK the kernel acknowledges a message only if it failed. */
static __always_inline bool is_ack_of(const struct mine_ack *ack, const struct nlmsghdr *message)
{
	return ack->header.nlmsg_seq == message->nlmsg_seq &&
	       ack->request.nlmsg_type == message->nlmsg_type &&
	       ack->request.nlmsg_len == message->nlmsg_len;
}

/* @reply: address of the message that the kernel returned with the error */
static __always_inline void set_answer(struct mine_command *command, const struct mine_ack *ack,
				       __u64 reply)
{
	command->answer = ack->error;
	command->reply = (void *)reply;
	command->reply_len = ack->header.nlmsg_len - REPLY_OFFSET;
}

/* Returns the head of the list, which links the last answer to the first. */
static __always_inline struct sk_buff *receive_queue(struct sock *sock)
{
	return (void *)sock + bpf_core_field_offset(struct sock, sk_receive_queue);
}

/* Max distance of a new answer from the end of the receive queue. */
#define LAST_ANSWERS 4

/*
 * Finds the answer of a handler that returned -EINTR, which tells nfnetlink to send none. Such a
 * handler has begun a dump, or has sent an error itself, which is then among the last answers. The
 * error names the line of a batch that failed (call_ad()), or before 5.6 a missing set to dump.
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
 * The errors that handlers returned, by thread: netlink_ack() follows at once, and must not be
 * taken for a refusal. Nothing waits in between, so it holds few threads. Maps
 * bpf_get_current_pid_tgid() to the message's address.
 */
MAP(LRU_HASH, reported, __u64, __u64, 4096);

MAP(ARRAY, checks, __u32, struct mine_check, 1);

/*
 * Reads facts about the current task. With another kernel's BTF the offsets are wrong and these
 * facts garbage.
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
 * Reports a command that a handler has ended. The handler's mutex is held, so the slot has one
 * user.
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
 * Reports a refusal, from the arguments of netlink_ack(request, message, error, extack). nfnetlink
 * refuses a message before any handler when its sender lacks CAP_NET_ADMIN or it cannot be parsed.
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

	/* Messages of other protocols may look like ipset's. */
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
	/* ip_set_dump() acknowledges by itself, without extack, and still returns the error. */
	if (!extack && error != -EPERM)
		return;
	report(ctx, &command, &header, slot);
}

#endif /* MINE_REQUEST_BPF_H */
