/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the kernel answered to a message: in the receive queue of the socket that sent it, or received from there by
 * another thread. What is in the caller's memory is not believed where the kernel would have refused.
 */
#ifndef MINE_ANSWER_BPF_H
#define MINE_ANSWER_BPF_H

#define CAP_NET_ADMIN 12
#define EINVAL 22
#define ENOENT 2
#define IPSET_CMD_NONE 0
#define IPSET_CMD_LIST 7
#define IPSET_CMD_SAVE 8
#define IPSET_CMD_ADD 9
#define IPSET_CMD_DEL 10
#define IPSET_ERR_PROTOCOL 4097
#define NLM_F_ACK 0x4

/* How many packets of the receive queue are looked at. */
#ifdef MINE_LEGACY
#define ANSWER_COUNT 16
#else
#define ANSWER_COUNT 32
#endif

/* The beginning of an acknowledgement: struct nlmsghdr and struct nlmsgerr. */
struct mine_ack {
	struct nlmsghdr header;
	__s32 error;
	struct nlmsghdr request; /* and with an error, the rest of the request */
};

#define REQUEST_OFFSET __builtin_offsetof(struct mine_ack, request)

/* A call that receives, under way in one thread. */
struct mine_receive {
	__u64 sock;
	__u64 address;
	__u64 length; /* MEMORY_BUFFER: its size */
	__u64 memory; /* enum mine_memory */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* bpf_get_current_pid_tgid() */
	__type(value, struct mine_receive);
} receives SEC(".maps");

/* An answer that was received, perhaps before the call that it answers was over. */
struct mine_answer_key {
	__u64 sock;
	__u64 sequence;
};

struct mine_answer {
	__u64 received_ns;
	struct mine_ack ack;
	__u8 reply[MINE_REPLY_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH); /* nobody takes out what was received after its call */
	__uint(max_entries, 1024);
	__type(key, struct mine_answer_key);
	__type(value, struct mine_answer);
} answers SEC(".maps");

/* Remembers the answer that was received, if it is one to a message of ipset. */
static __always_inline void keep_answer(const struct mine_receive *receive, __u64 received)
{
	struct mine_iovec buffer = { .base = receive->address, .length = receive->length };
	struct mine_answer_key key = { .sock = receive->sock };
	struct mine_answer answer = { .received_ns = bpf_ktime_get_ns() };
	struct mine_msghdr message;

	if (receive->memory == MEMORY_MESSAGE) {
		if (bpf_probe_read_user(&message, sizeof(message), (void *)receive->address) ||
		    bpf_probe_read_user(&buffer, sizeof(buffer), (void *)message.iov))
			return;
	}
	if (buffer.length < received) /* the rest was cut off, or is in further buffers */
		received = buffer.length;
	if (received < sizeof(answer.ack) ||
	    bpf_probe_read_user(&answer.ack, sizeof(answer.ack), (void *)buffer.base))
		return;
	if (answer.ack.header.nlmsg_type != NLMSG_ERROR ||
	    answer.ack.request.nlmsg_type >> 8 != NFNL_SUBSYS_IPSET)
		return;
	received = AT_MOST(received - REQUEST_OFFSET, MINE_REPLY_MAX);
	if (bpf_probe_read_user(answer.reply, received, (void *)(buffer.base + REQUEST_OFFSET)))
		return;
	key.sequence = answer.ack.header.nlmsg_seq;
	bpf_map_update_elem(&answers, &key, &answer, BPF_ANY);
}

/*
 * Is this the answer to that message? One that was not asked for is sent for an error alone. Messages of one
 * call that have the same number, type and length are answered in their order.
 */
static __always_inline bool is_answer(const struct mine_ack *ack, const struct nlmsghdr *message)
{
	return ack->header.nlmsg_type == NLMSG_ERROR && ack->header.nlmsg_len >= sizeof(*ack) &&
	       ack->header.nlmsg_seq == message->nlmsg_seq &&
	       ack->request.nlmsg_type == message->nlmsg_type && ack->request.nlmsg_len == message->nlmsg_len &&
	       (ack->error || message->nlmsg_flags & NLM_F_ACK);
}

/* What was found of an answer. */
struct mine_found {
	struct mine_ack ack;
	__u64 reply; /* address; 0 when there is no answer */
	bool is_received; /* it comes from a receiver's memory */
};

/* In the receive queue, behind what was already there when the call began. */
static __always_inline void find_queued(struct mine_send *send, const struct nlmsghdr *message,
					struct mine_found *found)
{
	struct sock *sock = (void *)send->sock;
	struct sk_buff *head = (void *)sock + bpf_core_field_offset(struct sock, sk_receive_queue);
	struct sk_buff *skb = (void *)send->last_skb, *next = BPF_CORE_READ(skb, next);
	__u64 data;

	/* What is not in the queue any more was older than all that is: the queue's head stands in for it. */
	if (BPF_CORE_READ(next, prev) != skb)
		skb = head;
	UNROLL
	for (int step = 0; step < ANSWER_COUNT; step++) {
		skb = BPF_CORE_READ(skb, next);
		if (!skb || skb == head)
			return;
		data = (__u64)BPF_CORE_READ(skb, data);
		if (bpf_probe_read_kernel(&found->ack, sizeof(found->ack), (void *)data))
			return;
		if (is_answer(&found->ack, message)) {
			send->last_skb = (__u64)skb;
			found->reply = data + REQUEST_OFFSET;
			return;
		}
	}
}

/* Among what was received since the call began. */
static __always_inline void find_received(const struct mine_send *send, const struct nlmsghdr *message,
					  struct mine_found *found)
{
	struct mine_answer_key key = { .sock = send->sock, .sequence = message->nlmsg_seq };
	struct mine_answer *answer = bpf_map_lookup_elem(&answers, &key);

	if (!answer || answer->received_ns < send->begin_ns || !is_answer(&answer->ack, message))
		return;
	found->ack = answer->ack;
	found->reply = (__u64)answer->reply;
	found->is_received = true;
	/* Whoever numbers all messages alike: the next answer is another one's. */
	bpf_map_delete_elem(&answers, &key);
}

/*
 * May this thread administer the network namespace? As cap_capable() sees it, but for the owner of a user
 * namespace. Without that right the kernel does nothing, whatever is found in the caller's memory.
 */
static __always_inline bool has_right(struct task_struct *task, struct net *net)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct user_namespace *users = BPF_CORE_READ(cred, user_ns);
	__u64 capabilities = 0;

	/* Two words of 32 bits before 6.3 (f122a08b197d), one of 64 since. */
	bpf_core_read(&capabilities, sizeof(capabilities), &cred->cap_effective);
	if (!(capabilities >> CAP_NET_ADMIN & 1))
		return false;
	return !BPF_CORE_READ(users, level) || users == BPF_CORE_READ(net, user_ns);
}

/*
 * Whether the kernel's answer may have been an error that nobody will see: it found no room, or the socket is
 * connected to another process, and gets nothing from the kernel then.
 */
static __always_inline bool may_be_lost(const struct mine_send *send)
{
	struct sock *sock = (void *)send->sock;
	struct netlink_sock *netlink = (void *)send->sock;

	return BPF_CORE_READ(sock, sk_drops.counter) != send->drops || BPF_CORE_READ(sock, sk_err) ||
	       BPF_CORE_READ(netlink, dst_portid);
}

/* Fills in what the kernel answered to a message. */
static __always_inline void find_result(struct mine_send *send, const struct nlmsghdr *message,
					struct mine_command *command)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u8 number = message->nlmsg_type;
	struct mine_found found = {};
	__s32 error;

	find_queued(send, message, &found);
	if (!found.reply)
		find_received(send, message, &found);
	error = found.reply ? found.ack.error : 0;
	command->result = error;
	if (!error) {
		/* A list that is sent is the answer; no acknowledgement follows. */
		bool is_due = message->nlmsg_flags & NLM_F_ACK && number != IPSET_CMD_LIST &&
			      number != IPSET_CMD_SAVE;

		if (found.reply && !found.is_received)
			return;
		if ((!found.reply && (is_due || may_be_lost(send))) ||
		    !has_right(task, (struct net *)command->net))
			command->flags = MINE_UNANSWERED;
		return;
	}
	/*
	 * nfnetlink itself refuses with -EPERM, and with -EINVAL what cannot be parsed; no handler says so of
	 * its own. A handler for number 0 is there to say -EOPNOTSUPP. -ERANGE comes from both: not told apart.
	 */
	if (error == -EPERM || error == -EINVAL || number == IPSET_CMD_NONE) {
		command->flags = MINE_REFUSED;
		return;
	}
	/*
	 * With the error of an element ADD and DEL send back the line at fault. These two errors come before any
	 * element is looked at, and bring the message as it was.
	 */
	if ((number == IPSET_CMD_ADD || number == IPSET_CMD_DEL) && error != -ENOENT &&
	    error != -IPSET_ERR_PROTOCOL) {
		command->answer = error;
		command->reply = (void *)found.reply;
		command->reply_len = found.ack.header.nlmsg_len - REQUEST_OFFSET;
	}
}

#endif /* MINE_ANSWER_BPF_H */
