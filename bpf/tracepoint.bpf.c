// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * For kernels without kprobes and trampolines: one tracepoint, where the kernel frees a socket buffer.
 *
 * netlink_unicast_kernel() gives a request to nfnetlink_rcv() and then frees it, in the context of its sender, however
 * it was sent. By then all of its messages have been handled, and the kernel's answers are in the receive queue of the
 * sender's socket, in the order of the messages. An answer that another thread has received meanwhile was freed before,
 * and was seen here then.
 *
 * Two traps. Every packet is freed here too: the first test must be cheap. And a LIST or SAVE keeps its request until
 * its dump has ended, which another process may do.
 */
#include "request.bpf.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define NFNL_MSG_BATCH_BEGIN 0x10
#define NLM_F_REQUEST 0x1
#define NLM_F_ACK 0x4
#define NLMSG_ALIGN(length) (((length) + 3) & ~3ULL)
#define IPSET_CMD_NONE 0
#define IPSET_CMD_LIST 7
#define IPSET_CMD_SAVE 8
#define IPSET_CMD_ADD 9
#define IPSET_CMD_DEL 10
#define IPSET_ERR_PROTOCOL 4097
#define ENOENT 2
#define EINVAL 22

/*
 * At most so many messages of a request are reported, and as many counted then. In front of an answer that is looked
 * for there may be ANSWERS others.
 */
#ifdef MINE_LEGACY
#define STAGES 24 /* a program calls itself, which a kernel lets it do 32 times */
#define MESSAGES 1
#define STAGES_COUNTED 8
#define MESSAGES_COUNTED 64
#define ANSWERS 8
#define FOREIGN 16 /* so many messages that are not commands are skipped in front of one */
#else
#define STAGES 24
#define MESSAGES 64
#define STAGES_COUNTED 16
#define MESSAGES_COUNTED 1024
#define ANSWERS 16
#endif

/* The request under way. Tracepoints are not preempted, and no request is freed in an interrupt. */
struct mine_walk {
	__u64 head; /* address of its first message */
	__u64 end;  /* its length */
	__u64 offset; /* of the next message */
	struct sock *sock; /* the sender's */
	struct net *net;
	struct scm_creds *sender;
	struct sk_buff *answer; /* in the receive queue: later ones have not been taken for answers yet */
	__u32 flags;		/* enum mine_flag, of all its commands */
	__u32 stage;		/* how often a program has called itself */
	__u64 rest; /* its commands that are not reported */
	__u8 is_denied; /* the kernel has refused the first message, and has not looked at the others */
	__u8 may_lack_answers;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mine_walk);
} walks SEC(".maps");

/* What is known of a sender's socket from its last request. */
struct mine_socket {
	struct sk_buff *answer; /* the last in the receive queue that is not a later request's; NULL when it was received */
	__u64 inode;		/* of the socket: another one may be at its address by now */
	__u64 drops;		/* answers that found no room, so far */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct sock *);
	__type(value, struct mine_socket);
} sockets SEC(".maps");

/* An answer that was received before the request that it answers was over. */
struct mine_taken_key {
	struct sock *sock;
	__u64 sequence;
};

struct mine_taken {
	struct mine_ack ack;
	__u8 reply[MINE_REPLY_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct mine_taken_key);
	__type(value, struct mine_taken);
} taken SEC(".maps");

/* Before 4.19 (2c4704756cab) a task had its struct pid elsewhere. */
struct task_struct___o {
	struct pid_link {
		struct pid *pid;
	} pids[1];
} __attribute__((preserve_access_index));

/* @return the process id of the current task in its own pid namespace: what struct scm_creds has of a sender */
static __always_inline __u32 own_pid(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct pid *pid = NULL;
	__u64 number;
	__u32 nr = 0;

	if (bpf_core_field_exists(leader->thread_pid))
		pid = BPF_CORE_READ(leader, thread_pid);
	if (bpf_core_field_exists(((struct task_struct___o *)leader)->pids))
		pid = BPF_CORE_READ((struct task_struct___o *)leader, pids[0].pid);
	number = (__u64)pid + bpf_core_field_offset(struct pid, numbers);
	number += BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid);
	bpf_probe_read_kernel(&nr, sizeof(nr), (void *)number + bpf_core_field_offset(struct upid, nr));
	return nr;
}

/* An answer is being freed: it has been received. */
static __always_inline void keep_answer(struct sk_buff *skb, struct sock *sock)
{
	struct mine_socket *known = bpf_map_lookup_elem(&sockets, &sock);
	struct mine_taken_key key = { .sock = sock };
	struct mine_taken answer = {};
	__u64 length;

	/* Those of earlier requests come first. */
	if (known && known->answer) {
		if (known->answer == skb)
			known->answer = NULL;
		return;
	}
	if (!read_ack(skb, &answer.ack) || answer.ack.request.nlmsg_type >> 8 != NFNL_SUBSYS_IPSET)
		return;
	length = AT_MOST(answer.ack.header.nlmsg_len - REPLY_OFFSET, MINE_REPLY_MAX);
	bpf_probe_read_kernel(answer.reply, length, BPF_CORE_READ(skb, data) + REPLY_OFFSET);
	key.sequence = answer.ack.header.nlmsg_seq;
	bpf_map_update_elem(&taken, &key, &answer, BPF_ANY);
}

/* @return the number of the socket's inode, which no other socket has had; 0 when it is closed */
static __always_inline __u64 inode_of(struct sock *sock)
{
	struct socket *socket = BPF_CORE_READ(sock, sk_socket);
	struct socket_alloc *both = (void *)socket - bpf_core_field_offset(struct socket_alloc, socket);

	return socket ? BPF_CORE_READ(both, vfs_inode.i_ino) : 0;
}

/* How many answers have found no room. */
static __always_inline __u32 drops_of(struct sock *sock)
{
	return BPF_CORE_READ(sock, sk_drops.counter);
}

static __always_inline void begin_walk(struct mine_walk *walk, struct sk_buff *skb, struct sock *kernel,
				       struct sock *sender)
{
	struct netlink_sock *netlink = (void *)sender;
	struct mine_socket *found = bpf_map_lookup_elem(&sockets, &sender), known = {};
	struct scm_creds *creds = &netlink_cb(skb)->creds;
	struct sk_buff *answer;

	if (found)
		known = *found;
	if (known.inode != inode_of(sender)) {
		known.drops = 0;
		known.answer = NULL;
	}
	answer = known.answer;

	walk->head = first_message(skb);
	walk->end = BPF_CORE_READ(skb, tail);
	walk->offset = 0;
	walk->sock = sender;
	walk->net = BPF_CORE_READ(kernel, __sk_common.skc_net.net);
	walk->sender = creds;
	walk->stage = 0;
	walk->rest = 0;
	/* What has been handled is pulled. */
	walk->is_denied = (__u64)BPF_CORE_READ(skb, data) == walk->head;
	walk->flags = 0;
	if (BPF_CORE_READ(netlink, cb.skb) == skb && BPF_CORE_READ(creds, pid) != own_pid())
		walk->flags = MINE_BY_READER;
	/* Lost for want of room; kept away by a filter of the socket; sent to nobody, when it is connected to a process. */
	walk->may_lack_answers = drops_of(sender) != known.drops || BPF_CORE_READ(sender, sk_err) ||
				 BPF_CORE_READ(sender, sk_filter) || BPF_CORE_READ(netlink, dst_portid);
	walk->answer = receive_queue(sender);
	/* It is there: what is not in the queue any more has no place in it. */
	if (answer && BPF_CORE_READ(answer, next, prev) == answer)
		walk->answer = answer;
}

/* What comes into the queue from now on belongs to later requests. */
static __always_inline void end_walk(const struct mine_walk *walk)
{
	struct sock *sock = walk->sock;
	struct mine_socket now = {
		.answer = BPF_CORE_READ(sock, sk_receive_queue.prev),
		.inode = inode_of(sock),
		.drops = drops_of(sock),
	};

	COUNT_MANY(lost_rest, walk->rest);
	if (now.answer == receive_queue(sock))
		now.answer = NULL;
	bpf_map_update_elem(&sockets, &sock, &now, BPF_ANY);
}

/* LIST and SAVE: their answer is a dump. */
static __always_inline bool is_dump(const struct nlmsghdr *message)
{
	__u8 command = message->nlmsg_type;

	return command == IPSET_CMD_LIST || command == IPSET_CMD_SAVE;
}

/* What was found of an answer. */
struct mine_found {
	struct mine_ack ack;
	__u64 reply;  /* address; 0 when there is no answer */
	bool is_sure; /* all that may be it was looked at */
};

/* Behind the answers to earlier messages. @answers: how many are looked at */
static __always_inline void find_queued(struct mine_walk *walk, const struct nlmsghdr *message,
					struct mine_found *found, int answers)
{
	struct sk_buff *skb = walk->answer, *queue = receive_queue(walk->sock);

	UNROLL
	for (int step = 0; step < answers; step++) {
		skb = BPF_CORE_READ(skb, next);
		if (!skb || skb == queue) {
			found->is_sure = true;
			return;
		}
		if (read_ack(skb, &found->ack) && is_ack_of(&found->ack, message)) {
			walk->answer = skb;
			found->reply = (__u64)BPF_CORE_READ(skb, data) + REPLY_OFFSET;
			return;
		}
	}
}

/* Among those that were received meanwhile. */
static __always_inline void find_taken(const struct mine_walk *walk, const struct nlmsghdr *message,
				       struct mine_found *found)
{
	struct mine_taken_key key = { .sock = walk->sock, .sequence = message->nlmsg_seq };
	struct mine_taken *answer = bpf_map_lookup_elem(&taken, &key);

	if (!answer || !is_ack_of(&answer->ack, message))
		return;
	found->ack = answer->ack;
	found->reply = (__u64)answer->reply; /* stays as it is until another answer with this number comes */
	bpf_map_delete_elem(&taken, &key);
}

/* Fills in what the kernel answered to a message that it has handled. */
static __always_inline void set_result(const struct mine_walk *walk, const struct nlmsghdr *message,
				       const struct mine_found *found, struct mine_command *command)
{
	__u8 number = message->nlmsg_type;
	__s32 error = found->reply ? found->ack.error : 0;

	command->result = error;
	if (!found->reply) {
		/* A dump is its own answer; else one that was not asked for comes with an error alone. */
		bool is_due = message->nlmsg_flags & NLM_F_ACK && !is_dump(message);

		if (is_due || walk->may_lack_answers || !found->is_sure)
			command->flags |= MINE_UNANSWERED;
	}
	if (!error)
		return;
	/*
	 * nfnetlink refuses with -EINVAL what cannot be parsed; no handler says so of its own. A handler for number 0
	 * is there to say -EOPNOTSUPP. -ERANGE comes from both: not told apart.
	 */
	if (error == -EINVAL || number == IPSET_CMD_NONE)
		command->flags |= MINE_REFUSED;
	/*
	 * With the error of an element ADD and DEL send back the line at fault. These two errors come before any
	 * element is looked at, and bring the message as it was.
	 */
	else if ((number == IPSET_CMD_ADD || number == IPSET_CMD_DEL) && error != -ENOENT &&
		 error != -IPSET_ERR_PROTOCOL)
		set_answer(command, &found->ack, found->reply);
}

/* Reads the header of the next message. @return false when there is none, for the kernel too: netlink_rcv_skb() */
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

/* @return whether there may be another message */
static __always_inline bool step(void *ctx, struct mine_walk *walk)
{
	struct mine_command command = { .net = walk->net, .sender = walk->sender };
	struct mine_found found = {};
	struct nlmsghdr message = {};

	if (!next_message(walk, &message))
		return false;
	/* ipset has no part in batches. */
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
		find_queued(walk, &message, &found, ANSWERS);
		if (!is_command(&message))
			goto next;
		if (!found.reply)
			find_taken(walk, &message, &found);
		set_result(walk, &message, &found, &command);
	}
	report(ctx, &command, 0);
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
		if (!next_message(walk, &message) || is_command(&message) || message.nlmsg_type == NFNL_MSG_BATCH_BEGIN)
			return;
		find_queued(walk, &message, &found, 1);
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
 * Counts in memory, of whose contents the verifier knows nothing: in a register it would follow each number.
 * @return whether there may be another message
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

/* @return whether a request is being freed; then it is the current walk */
static __always_inline bool on_free(struct sk_buff *skb)
{
	struct sock *sock = BPF_CORE_READ(skb, sk), *sender;
	struct mine_walk *walk;

	if (!sock || !is_netfilter(sock))
		return false;
	/* Set by netlink_unicast_kernel() alone. */
	sender = BPF_CORE_READ(netlink_cb(skb), sk);
	if (!sender) {
		keep_answer(skb, sock);
		return false;
	}
	walk = current_walk();
	if (!walk)
		return false;
	begin_walk(walk, skb, sock, sender);
	check_reading(walk->head, sock);
	return true;
}

#ifdef MINE_LEGACY
/* mine_step and mine_rest. Filled from user space. */
enum { STEP, REST };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} stages SEC(".maps");

/* The fields that skb:consume_skb and skb:kfree_skb begin with, on every kernel. */
struct mine_tracepoint {
	__u64 common;
	struct sk_buff *skb;
};

/* Before 4.17 (c4f6699dfcb8) there are no raw tracepoints. */
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

/* Counts the commands that no program can look at any more. */
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
 * Functions that are not static are verified once (5.6, 51c39bb1d5d1), and not anew for each turn of the loop that
 * calls them.
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

/* Counts the commands that are not reported any more. */
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
