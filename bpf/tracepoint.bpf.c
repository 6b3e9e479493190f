// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The backend for kernels without kprobes and trampolines: one tracepoint, at which the kernel
 * frees a socket buffer.
 *
 * netlink_unicast_kernel() gives a request to nfnetlink_rcv() and then frees it, in its sender's
 * context. By then all of its messages have been handled. The kernel's answers are in the receive
 * queue of the sender's socket, in the order of the messages. If another thread has already
 * received an answer, that answer was freed earlier and seen here then.
 *
 * Every packet is freed here too, so the first test must be cheap. A LIST or SAVE keeps its request
 * until its dump has ended, and another process may end it.
 */
#include "answers.bpf.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define NFNL_MSG_BATCH_BEGIN 0x10
#define NLM_F_REQUEST	     0x1
#define NLMSG_ALIGN(length)  (((length) + 3) & ~3ULL)

/* Max messages of a request that are reported, and max messages that are then counted. */
#ifdef MINE_LEGACY
#define STAGES		 24 /* tail calls of a program to itself: a kernel allows 32 */
#define MESSAGES	 1
#define STAGES_COUNTED	 8
#define MESSAGES_COUNTED 64
#define FOREIGN		 16 /* max messages other than commands that are skipped before a command */
#else
#define STAGES		 24
#define MESSAGES	 64
#define STAGES_COUNTED	 16
#define MESSAGES_COUNTED 1024
#endif

/* The request under way. Tracepoints are not preempted, and no request is freed in an interrupt. */
struct mine_walk {
	__u64 head;   /* address of its first message */
	__u64 end;    /* end of its messages, as an offset */
	__u64 offset; /* of the next message */
	struct net *net;
	struct scm_creds *sender;
	struct mine_answers answers;
	__u32 flags;	/* enum mine_flag, of all its commands */
	__u32 stage;	/* tail calls so far */
	__u64 rest;	/* its unreported commands */
	bool is_denied; /* the kernel has refused the first message, and ignores the others */
};

MAP(PERCPU_ARRAY, walks, __u32, struct mine_walk, 1);

static __always_inline void begin_walk(struct mine_walk *walk, struct sk_buff *skb,
				       struct sock *kernel, struct sock *sender)
{
	struct netlink_sock *netlink = (void *)sender;
	struct scm_creds *creds = &netlink_cb(skb)->creds;

	walk->head = first_message(skb);
	walk->offset = 0;
	walk->net = BPF_CORE_READ(kernel, __sk_common.skc_net.net);
	walk->sender = creds;
	walk->stage = 0;
	walk->rest = 0;
	/* The kernel pulls each handled message; it handles none of a denied sender. */
	walk->end = (__u64)BPF_CORE_READ(skb, data) - walk->head;
	walk->is_denied = !walk->end;
	if (walk->is_denied)
		walk->end = BPF_CORE_READ(skb, tail);
	walk->flags = 0;
	if (BPF_CORE_READ(netlink, cb.skb) == skb && BPF_CORE_READ(creds, pid) != own_pid())
		walk->flags = MINE_BY_READER;
	begin_answers(&walk->answers, sender);
}

static __always_inline void end_walk(const struct mine_walk *walk)
{
	COUNT_MANY(lost_rest, walk->rest);
	end_answers(&walk->answers);
}

/*
 * Reads the header of the next message. Returns false at the end, with the rules of
 * netlink_rcv_skb().
 */
static __always_inline bool next_message(struct mine_walk *walk, struct nlmsghdr *message)
{
	__u64 left = walk->end - walk->offset;

	if (walk->offset >= walk->end || left < sizeof(*message))
		return false;
	if (bpf_probe_read_kernel(message, sizeof(*message), (void *)(walk->head + walk->offset)))
		return false;
	return message->nlmsg_len >= sizeof(*message) && message->nlmsg_len <= left;
}

static __always_inline bool is_command(const struct nlmsghdr *message)
{
	return is_ipset(message) && message->nlmsg_flags & NLM_F_REQUEST;
}

/* Reports the next message. Returns whether there may be another one. */
static __always_inline bool step(void *ctx, struct mine_walk *walk)
{
	struct mine_command command = { .net = walk->net, .sender = walk->sender };
	struct mine_found found = {};
	struct nlmsghdr message = {};

	if (!next_message(walk, &message))
		return false;
	/* The kernel takes no ipset commands in batches. */
	if (!walk->offset && message.nlmsg_type == NFNL_MSG_BATCH_BEGIN)
		return false;
	command.message = walk->head + walk->offset;
	command.flags = walk->flags;
	if (walk->is_denied) {
		if (!is_ipset(&message))
			return false;
		command.result = -EPERM;
		command.flags |= MINE_REFUSED;
	} else {
		find_queued(&walk->answers, &message, &found, ANSWERS);
		if (!is_command(&message))
			goto next;
		if (!found.reply)
			find_taken(&walk->answers, &message, &found);
		set_result(&walk->answers, &message, &found, &command);
	}
	report(ctx, &command, &message, 0);
next:
	walk->offset += NLMSG_ALIGN((__u64)message.nlmsg_len);
	return !walk->is_denied;
}

#ifdef MINE_LEGACY
/* Skips messages that are not commands, with their answers. */
static __always_inline void skip_foreign(struct mine_walk *walk)
{
	struct mine_found found = {};
	struct nlmsghdr message;

#pragma unroll
	for (int i = 0; i < FOREIGN; i++) {
		if (!next_message(walk, &message) || is_command(&message) ||
		    message.nlmsg_type == NFNL_MSG_BATCH_BEGIN)
			return;
		find_queued(&walk->answers, &message, &found, 1);
		walk->offset += NLMSG_ALIGN((__u64)message.nlmsg_len);
	}
}
#endif

static __always_inline struct mine_walk *current_walk(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&walks, &zero);
}

/*
 * Counts the next message if it is a command. The count is in memory, which the verifier does not
 * track: it would follow each number in a register. Returns whether there may be another message.
 */
static __always_inline bool count_rest(struct mine_walk *walk)
{
	struct nlmsghdr message = {};

	if (!next_message(walk, &message))
		return false;
	if (is_command(&message))
		walk->rest++;
	walk->offset += NLMSG_ALIGN((__u64)message.nlmsg_len);
	return true;
}

/* Returns whether a request is being freed; then the current walk describes it. */
static __always_inline bool on_free(struct sk_buff *skb)
{
	struct sock *sock = BPF_CORE_READ(skb, sk), *sender;
	struct nlmsghdr first = {};
	struct mine_walk *walk;

	if (!sock || !is_netfilter(sock))
		return false;
	/* Only netlink_unicast_kernel() sets it. */
	sender = BPF_CORE_READ(netlink_cb(skb), sk);
	if (!sender) {
		keep_answer(skb, sock);
		return false;
	}
	walk = current_walk();
	if (!walk)
		return false;
	begin_walk(walk, skb, sock, sender);
	next_message(walk, &first);
	check_reading(&first, walk->net);
	return true;
}

#ifdef MINE_LEGACY
/* Indexes of mine_step and mine_rest. User space fills the map. */
enum { STEP, REST };

MAP(PROG_ARRAY, stages, __u32, __u32, 2);

/* The first fields of skb:consume_skb and skb:kfree_skb, on every kernel. */
struct mine_tracepoint {
	__u64 common;
	struct sk_buff *skb;
};

/* Raw tracepoints need 4.17 (c4f6699dfcb8). */
SEC("tracepoint")
int mine_free(struct mine_tracepoint *ctx)
{
	if (on_free(ctx->skb))
		bpf_tail_call(ctx, &stages, STEP);
	return 0;
}

SEC("tracepoint")
int mine_step(void *ctx)
{
	struct mine_walk *walk = current_walk();

	if (!walk)
		return 0;
	if (!walk->is_denied)
		skip_foreign(walk);
	if (!step(ctx, walk)) {
		end_walk(walk);
		return 0;
	}
	walk->stage++;
	if (walk->stage < STAGES)
		bpf_tail_call(ctx, &stages, STEP);
	else
		bpf_tail_call(ctx, &stages, REST);
	return 0;
}

/* Counts the commands beyond the number that can be reported. */
SEC("tracepoint")
int mine_rest(void *ctx)
{
	struct mine_walk *walk = current_walk();

	if (!walk)
		return 0;
#pragma unroll
	for (int i = 0; i < MESSAGES_COUNTED; i++) {
		if (!count_rest(walk)) {
			end_walk(walk);
			return 0;
		}
	}
	walk->stage++;
	if (walk->stage < STAGES + STAGES_COUNTED)
		bpf_tail_call(ctx, &stages, REST);
	walk->rest++; /* at least */
	end_walk(walk);
	return 0;
}
#else
/*
 * The verifier checks a global function once (5.6, 51c39bb1d5d1), and not once for each turn of the
 * calling loop.
 */
__noinline int step_once(void)
{
	struct mine_walk *walk = current_walk();

	return walk && step(NULL, walk);
}

__noinline int step_often(void)
{
	for (int i = 0; i < MESSAGES; i++) {
		if (!step_once())
			return false;
	}
	return true;
}

/* Counts a command that is no longer reported. */
__noinline int count_once(void)
{
	struct mine_walk *walk = current_walk();

	return walk && count_rest(walk);
}

__noinline int count_often(void)
{
	for (int i = 0; i < MESSAGES_COUNTED; i++) {
		if (!count_once())
			return false;
	}
	return true;
}

static __always_inline bool step_all(void)
{
	for (int i = 0; i < STAGES; i++) {
		if (!step_often())
			return true;
	}
	for (int i = 0; i < STAGES_COUNTED; i++) {
		if (!count_often())
			return true;
	}
	return false;
}

/* consume_skb(skb, ...), kfree_skb(skb, ...) */
SEC("raw_tracepoint")
int mine_free(__u64 *ctx)
{
	struct mine_walk *walk;
	bool is_whole;

	if (!on_free((void *)ctx[0]))
		return 0;
	is_whole = step_all();
	walk = current_walk();
	if (!walk)
		return 0;
	if (!is_whole)
		walk->rest++; /* at least */
	end_walk(walk);
	return 0;
}
#endif
