/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The answers to the messages of a handled request. They are in the receive queue of its sender, in
 * the order of the messages, behind the answers to earlier requests. Another thread may already
 * have received some.
 */
#ifndef MINE_ANSWERS_BPF_H
#define MINE_ANSWERS_BPF_H

#include "request.bpf.h"

#define NLM_F_ACK	   0x4
#define IPSET_CMD_NONE	   0
#define IPSET_CMD_LIST	   7
#define IPSET_CMD_SAVE	   8
#define IPSET_CMD_ADD	   9
#define IPSET_CMD_DEL	   10
#define IPSET_ERR_PROTOCOL 4097
#define ENOENT		   2
#define EINVAL		   22

/* Max answers that are searched for one message. */
#ifdef MINE_LEGACY
#define ANSWERS 8
#else
#define ANSWERS 16
#endif

/* The answers to one request. */
struct mine_answers {
	struct sock *sock; /* the sender's */
	struct sk_buff *
		/* last matched answer in the receive queue: the search continues behind it */
		answer;
	struct sk_buff *last; /* last answer of the receive queue; its head if it is empty */
	__u64 drops;	      /* dropped answers until this request */
	bool is_outdated;     /* the entry of the map "sockets" needs an update */
	bool may_be_lacking;
};

/* The state of a sender's socket after its last request. */
struct mine_socket {
	struct sk_buff *
		/* last answer in the queue that belongs to no later request; NULL once received */
		answer;
	__u64 inode; /* the socket's inode: another socket may reuse the address */
	__u64 drops; /* dropped answers until now, for want of buffer space */
};

MAP(LRU_HASH, sockets, struct sock *, struct mine_socket, 4096);

/* An answer that was received before its request was over. */
struct mine_taken_key {
	struct sock *sock;
	__u64 sequence;
};

struct mine_taken {
	struct mine_ack ack;
	__u8 reply[MINE_REPLY_MAX];
};

MAP(LRU_HASH, taken, struct mine_taken_key, struct mine_taken, 1024);

/* Keeps an answer that is being freed: it has been received. */
static __always_inline void keep_answer(struct sk_buff *skb, struct sock *sock)
{
	struct mine_socket *known = bpf_map_lookup_elem(&sockets, &sock);
	struct mine_taken_key key = { .sock = sock };
	struct mine_taken answer = {};
	__u64 length;

	/* The answers to earlier requests come first. */
	if (known && known->answer) {
		if (known->answer == skb)
			known->answer = NULL;
		return;
	}
	if (!read_ack(skb, &answer.ack) || answer.ack.request.nlmsg_type >> 8 != NFNL_SUBSYS_IPSET)
		return;
	length = AT_MOST(answer.ack.header.nlmsg_len - REPLY_OFFSET, MINE_REPLY_MAX);
	bpf_probe_read_kernel(answer.reply, READ_SIZE(length),
			      BPF_CORE_READ(skb, data) + REPLY_OFFSET);
	key.sequence = answer.ack.header.nlmsg_seq;
	bpf_map_update_elem(&taken, &key, &answer, BPF_ANY);
}

/* Returns the socket's inode number, which no other socket has had; 0 if the socket is closed. */
static __always_inline __u64 inode_of(struct sock *sock)
{
	struct socket *socket = BPF_CORE_READ(sock, sk_socket);
	struct socket_alloc *both =
		(void *)socket - bpf_core_field_offset(struct socket_alloc, socket);

	return socket ? BPF_CORE_READ(both, vfs_inode.i_ino) : 0;
}

/* Returns the number of answers dropped for want of buffer space. */
static __always_inline __u32 drops_of(struct sock *sock)
{
	return BPF_CORE_READ(sock, sk_drops.counter);
}

static __always_inline void begin_answers(struct mine_answers *answers, struct sock *sock)
{
	struct netlink_sock *netlink = (void *)sock;
	struct mine_socket *found = bpf_map_lookup_elem(&sockets, &sock), known = {};
	struct sk_buff *answer;
	bool is_stale = false;
	__u64 drops = drops_of(sock);

	if (found) {
		known = *found;
		is_stale = known.inode != inode_of(sock);
	}
	if (is_stale) {
		known.drops = 0;
		known.answer = NULL;
	}
	answer = known.answer;
	answers->sock = sock;
	answers->drops = drops;
	answers->is_outdated = is_stale || answer || drops != known.drops;
	/*
	 * A full queue drops answers, and a filter of the socket may drop them. A socket that is
	 * connected to a process gets none.
	 */
	answers->may_be_lacking = drops != known.drops || BPF_CORE_READ(sock, sk_err) ||
				  BPF_CORE_READ(sock, sk_filter) ||
				  BPF_CORE_READ(netlink, dst_portid);
	answers->answer = receive_queue(sock);
	answers->last = BPF_CORE_READ(sock, sk_receive_queue.prev);
	/* An answer that has left the queue is no longer linked into it. */
	if (answer && BPF_CORE_READ(answer, next, prev) == answer)
		answers->answer = answer;
}

/* Remembers the last answer in the queue: later ones belong to later requests. */
static __always_inline void end_answers(const struct mine_answers *answers)
{
	struct sock *sock = answers->sock;
	struct mine_socket now = { .drops = answers->drops };

	if (answers->last != receive_queue(sock))
		now.answer = answers->last;
	/* Most senders wait for each answer or ask for none, so there is nothing to remember. */
	if (!now.answer && !answers->is_outdated)
		return;
	now.inode = inode_of(sock);
	bpf_map_update_elem(&sockets, &sock, &now, BPF_ANY);
}

/* Returns whether the answer is a dump: LIST and SAVE. */
static __always_inline bool is_dump(const struct nlmsghdr *message)
{
	__u8 command = message->nlmsg_type;

	return command == IPSET_CMD_LIST || command == IPSET_CMD_SAVE;
}

/* The answer to one message. */
struct mine_found {
	struct mine_ack ack;
	__u64 reply;  /* address; 0 without an answer */
	bool is_sure; /* every candidate was searched */
};

/* Searches the queue behind the answers to earlier messages. @most: max answers to search */
static __always_inline void find_queued(struct mine_answers *answers,
					const struct nlmsghdr *message, struct mine_found *found,
					int most)
{
	struct sk_buff *skb = answers->answer, *queue = receive_queue(answers->sock);

	if (answers->last == queue) {
		found->is_sure = true;
		return;
	}
	UNROLL
	for (int step = 0; step < most; step++) {
		skb = BPF_CORE_READ(skb, next);
		if (!skb || skb == queue) {
			found->is_sure = true;
			return;
		}
		if (read_ack(skb, &found->ack) && is_ack_of(&found->ack, message)) {
			answers->answer = skb;
			found->reply = (__u64)BPF_CORE_READ(skb, data) + REPLY_OFFSET;
			return;
		}
	}
}

/* Searches the answers that were received before the request was over. */
static __always_inline void find_taken(const struct mine_answers *answers,
				       const struct nlmsghdr *message, struct mine_found *found)
{
	struct mine_taken_key key = { .sock = answers->sock, .sequence = message->nlmsg_seq };
	struct mine_taken *answer = bpf_map_lookup_elem(&taken, &key);

	if (!answer || !is_ack_of(&answer->ack, message))
		return;
	found->ack = answer->ack;
	/* unchanged until another answer with this number arrives */
	found->reply = (__u64)answer->reply;
	bpf_map_delete_elem(&taken, &key);
}

/* Fills in the result of a message that the kernel has handled. */
static __always_inline void set_result(const struct mine_answers *answers,
				       const struct nlmsghdr *message,
				       const struct mine_found *found, struct mine_command *command)
{
	__u8 number = message->nlmsg_type;
	__s32 error = found->reply ? found->ack.error : 0;

	command->result = error;
	if (!found->reply) {
		/* A dump is its own answer. Without NLM_F_ACK only an error is acknowledged. */
		bool is_due = message->nlmsg_flags & NLM_F_ACK && !is_dump(message);

		if (is_due || answers->may_be_lacking || !found->is_sure)
			command->flags |= MINE_UNANSWERED;
	}
	if (!error)
		return;
	/*
	 * nfnetlink refuses an unparsable message with -EINVAL; no handler returns it. The handler
	 * for number 0 only returns -EOPNOTSUPP. Both nfnetlink and handlers return -ERANGE, which
	 * stays ambiguous.
	 */
	if (error == -EINVAL || number == IPSET_CMD_NONE)
		command->flags |= MINE_REFUSED;
	/*
	 * ADD and DEL return the line at fault with the error of an element. These two errors come
	 * before any element is read, and return the message unchanged.
	 */
	else if ((number == IPSET_CMD_ADD || number == IPSET_CMD_DEL) && error != -ENOENT &&
		 error != -IPSET_ERR_PROTOCOL)
		set_answer(command, &found->ack, found->reply);
}

#endif /* MINE_ANSWERS_BPF_H */
