/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For kernels without kprobes and trampolines: tracepoints at the system calls that can send a netlink message.
 *
 * Netlink is served in the call that sends. When that returns, the kernel has handled every message in it, and
 * its answers have been put into the receive queue of the sender's socket. So at the entry the call is
 * remembered; at the exit the messages are read from the caller's memory, which the kernel has just read itself,
 * and the answers from the queue. Another thread may have been waiting for them: what it receives is
 * remembered too.
 *
 * Two traps. The caller's memory may change under us, hence nothing that it says is taken for success where
 * the kernel would have refused (see has_right()). And everybody calls write(): what is not ours must be found out
 * in a few instructions.
 */
#ifndef MINE_TRACEPOINT_BPF_H
#define MINE_TRACEPOINT_BPF_H

#define AF_NETLINK 16
#define CAP_NET_ADMIN 12
#define EINVAL 22
#define ENOENT 2
#define IPSET_CMD_NONE 0
#define IPSET_CMD_LIST 7
#define IPSET_CMD_SAVE 8
#define IPSET_CMD_ADD 9
#define IPSET_CMD_DEL 10
#define IPSET_ERR_PROTOCOL 4097
#define NETLINK_NETFILTER 12
#define NFNL_MSG_BATCH_BEGIN 0x10
#define NLM_F_REQUEST 0x1
#define NLM_F_ACK 0x4
#define NLMSG_ALIGN(length) (((length) + 3) & ~3ULL)
#define S_IFMT 0170000
#define S_IFSOCK 0140000

#ifdef MINE_LEGACY
#define SEGMENT_COUNT 4 /* how many pieces of memory a datagram may consist of; the rest is cut off */
#define ANSWER_COUNT 16 /* how many packets of the receive queue are looked at for an answer */
#define FOREIGN_COUNT 4 /* how many messages that are not ipset's are stepped over at once */
#define UNROLL _Pragma("unroll")
#else
#define SEGMENT_COUNT 8
#define ANSWER_COUNT 32
#define FOREIGN_COUNT 8
#define UNROLL
#endif

/* What tracepoints of system calls are given, on every kernel. */
struct mine_syscall_enter {
	__u64 common;
	__u64 number;
	__u64 args[6];
};

struct mine_syscall_exit {
	__u64 common;
	__u64 number;
	__s64 result;
};

/* UAPI structures as a 64-bit program lays them out: struct iovec, msghdr, mmsghdr, sockaddr_nl. */
struct mine_iovec {
	__u64 base;
	__u64 length;
};

struct mine_msghdr {
	__u64 name;
	__u32 name_length;
	__u32 reserved;
	__u64 iov;
	__u64 iov_count;
	__u64 control[2];
	__u64 flags;
};

struct mine_mmsghdr {
	struct mine_msghdr message;
	__u32 length; /* how much was sent */
	__u32 reserved;
};

struct mine_sockaddr {
	__u32 family;
	__u32 portid; /* 0: the kernel */
};

/* The beginning of an acknowledgement: struct nlmsghdr and struct nlmsgerr. */
struct mine_ack {
	struct nlmsghdr header;
	__s32 error;
	struct nlmsghdr request; /* and with an error, the rest of the request */
};

#define REQUEST_OFFSET __builtin_offsetof(struct mine_ack, request)

/* How a call says where its messages are. */
enum mine_memory {
	MEMORY_BUFFER,	  /* sendto(), write(), recvfrom() */
	MEMORY_IOVECS,	  /* writev() */
	MEMORY_MESSAGE,	  /* sendmsg(), recvmsg(): struct msghdr */
	MEMORY_DATAGRAMS, /* sendmmsg(): an array of struct mmsghdr */
};

/* A call that sends, under way in one thread. */
struct mine_send {
	__u64 sock;	/* struct sock */
	__u64 begin_ns;
	__u64 last_skb; /* in the receive queue, the last that is not of interest any more; its head for none */
	__u64 address;	/* of the memory, in the caller's */
	__u64 count;	/* MEMORY_IOVECS: how many */
	__u64 name;	/* MEMORY_BUFFER: the socket address to send to */
	__u32 name_length;
	enum mine_memory memory;
	__s32 drops;	/* answers that found no room in the receive queue until the call began */
	/* What follows is filled in when the call is over, and moves on with each message. */
	__u32 datagram; /* the next one */
	__u32 datagrams;
	__u32 segments;
	__u64 size;	/* of the datagram under way */
	__u64 offset;	/* in it: where the next message begins */
	__u64 within;	/* while it is read: where, in the segment of that number */
	__u32 index;
	__u32 reserved;
	struct mine_iovec segment[SEGMENT_COUNT];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* bpf_get_current_pid_tgid() */
	__type(value, struct mine_send);
} sends SEC(".maps");

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

/* mine_sent itself: a program may not loop, but call itself 32 times. Filled from user space. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_message SEC(".maps");

/* @return the struct sock that messages to nfnetlink go through; NULL when this file is something else */
static __always_inline struct sock *netfilter_socket(__u32 fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file;
	struct socket *socket;
	struct sock *sock;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	if (bpf_probe_read_kernel(&file, sizeof(file), files + fd))
		return NULL;
	/* What private_data points to depends on the kind of the file. A NULL file has mode 0. */
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	sock = BPF_CORE_READ(socket, sk);
	if (BPF_CORE_READ(sock, __sk_common.skc_family) != AF_NETLINK)
		return NULL;
	/* A bit field before 5.6 (bf9765145b85). */
	if (BPF_CORE_READ_BITFIELD_PROBED(sock, sk_protocol) != NETLINK_NETFILTER)
		return NULL;
	return sock;
}

/* The first message must fit into what is sent, and be a request, not the beginning of an nf_tables batch. */
static __always_inline bool may_be_messages(__u64 address, __u64 size)
{
	struct nlmsghdr header;

	if (size < MESSAGE_MIN)
		return false;
	/* What is not in memory now will be when the kernel has read it. */
	if (bpf_probe_read_user(&header, sizeof(header), (void *)address))
		return true;
	return header.nlmsg_len >= sizeof(header) && header.nlmsg_len <= size &&
	       header.nlmsg_type != NFNL_MSG_BATCH_BEGIN;
}

static __always_inline void begin_send(struct mine_send *send, struct sock *sock)
{
	__u64 thread = bpf_get_current_pid_tgid();

	send->sock = (__u64)sock;
	send->begin_ns = bpf_ktime_get_ns();
	send->last_skb = (__u64)BPF_CORE_READ(sock, sk_receive_queue.prev);
	send->drops = BPF_CORE_READ(sock, sk_drops.counter);
	if (bpf_map_update_elem(&sends, &thread, send, BPF_ANY))
		COUNT(lost_call);
}

/* sendto(fd, buffer, size, flags, name, name_length) */
SEC("tracepoint")
int mine_sendto(struct mine_syscall_enter *ctx)
{
	struct sock *sock;

	if (!may_be_messages(ctx->args[1], ctx->args[2]))
		return 0;
	sock = netfilter_socket(ctx->args[0]);
	if (sock) {
		struct mine_send send = {
			.memory = MEMORY_BUFFER,
			.address = ctx->args[1],
			.name = ctx->args[4],
			.name_length = ctx->args[5],
		};
		begin_send(&send, sock);
	}
	return 0;
}

/* write(fd, buffer, size) */
SEC("tracepoint")
int mine_write(struct mine_syscall_enter *ctx)
{
	struct sock *sock;

	if (!may_be_messages(ctx->args[1], ctx->args[2]))
		return 0;
	sock = netfilter_socket(ctx->args[0]);
	if (sock) {
		struct mine_send send = { .memory = MEMORY_BUFFER, .address = ctx->args[1] };
		begin_send(&send, sock);
	}
	return 0;
}

/* writev(fd, iovecs, count) */
SEC("tracepoint")
int mine_writev(struct mine_syscall_enter *ctx)
{
	struct sock *sock = netfilter_socket(ctx->args[0]);

	if (sock) {
		struct mine_send send = {
			.memory = MEMORY_IOVECS,
			.address = ctx->args[1],
			.count = ctx->args[2],
		};
		begin_send(&send, sock);
	}
	return 0;
}

/* sendmsg(fd, message, flags) */
SEC("tracepoint")
int mine_sendmsg(struct mine_syscall_enter *ctx)
{
	struct sock *sock = netfilter_socket(ctx->args[0]);

	if (sock) {
		struct mine_send send = { .memory = MEMORY_MESSAGE, .address = ctx->args[1] };
		begin_send(&send, sock);
	}
	return 0;
}

/* sendmmsg(fd, datagrams, count, flags) */
SEC("tracepoint")
int mine_sendmmsg(struct mine_syscall_enter *ctx)
{
	struct sock *sock = netfilter_socket(ctx->args[0]);

	if (sock) {
		struct mine_send send = { .memory = MEMORY_DATAGRAMS, .address = ctx->args[1] };
		begin_send(&send, sock);
	}
	return 0;
}

/* @return whether a datagram with this address goes to the kernel, and not to another process */
static __always_inline bool is_for_kernel(const struct mine_send *send, __u64 name, __u32 name_length)
{
	struct netlink_sock *sock = (void *)send->sock;
	struct mine_sockaddr to = {};

	if (!name || !name_length)
		return !BPF_CORE_READ(sock, dst_portid);
	return !bpf_probe_read_user(&to, sizeof(to), (void *)name) && !to.portid;
}

/* Finds the memory of the next datagram. Afterwards send->size is 0 when there is nothing to be read in it. */
static __always_inline void open_datagram(struct mine_send *send, __s64 result)
{
	struct mine_mmsghdr sent = {
		.message = {
			.name = send->name,
			.name_length = send->name_length,
			.iov = send->address,
			.iov_count = send->count,
		},
		.length = result,
	};
	struct mine_msghdr *message = &sent.message;
	__u64 at = send->address, size = 0;

	if (send->memory == MEMORY_DATAGRAMS) {
		at += send->datagram * sizeof(sent);
		size = sizeof(sent);
	} else if (send->memory == MEMORY_MESSAGE) {
		size = sizeof(*message);
	}
	send->datagram++;
	send->offset = 0;
	send->size = 0;
	if (size && bpf_probe_read_user(&sent, AT_MOST(size, sizeof(sent)), (void *)at)) {
		COUNT(lost_message);
		return;
	}
	if (!is_for_kernel(send, message->name, message->name_length))
		return;
	if (send->memory == MEMORY_BUFFER) {
		send->segment[0].base = send->address;
		send->segment[0].length = result;
		send->segments = 1;
	} else {
		send->segments = AT_MOST(message->iov_count, SEGMENT_COUNT);
		size = AT_MOST(message->iov_count * sizeof(struct mine_iovec), sizeof(send->segment));
		if (bpf_probe_read_user(send->segment, size, (void *)message->iov)) {
			COUNT(lost_message);
			return;
		}
	}
	send->size = sent.length;
}

/* Of a message that is read piece by piece, the largest piece: so much is there behind event->data + MINE_MESSAGE_MAX. */
#define PIECE_MAX (MINE_DATA_MAX - MINE_MESSAGE_MAX)
#define PIECE_COUNT (SEGMENT_COUNT + MINE_MESSAGE_MAX / PIECE_MAX + 1)

/*
 * Reads on in the datagram, from send->offset, into event->data. Afterwards event->captured_len is what there is.
 * Where it has come to is kept in memory: see copy_executable().
 */
static __always_inline void gather(struct mine_event *event, struct mine_send *send)
{
	volatile __u32 *captured = &event->captured_len, *index = &send->index;
	volatile __u64 *within = &send->within;
	const struct mine_iovec *segment;
	__u64 at, piece, wanted;

	*captured = 0;
	*index = 0;
	*within = send->offset;
#pragma unroll
	for (int step = 0; step < PIECE_COUNT; step++) {
		wanted = AT_MOST(send->size - send->offset, MINE_MESSAGE_MAX);
		at = *captured;
		if (at >= wanted || *index >= send->segments)
			continue;
		segment = &send->segment[AT_MOST(*index, SEGMENT_COUNT - 1)];
		if (*within < segment->length) {
			piece = segment->length - *within;
			if (piece > wanted - at)
				piece = wanted - at;
			piece = AT_MOST(piece, PIECE_MAX);
			at = AT_MOST(at, MINE_MESSAGE_MAX);
			if (bpf_probe_read_user(event->data + at, piece, (void *)(segment->base + *within))) {
				*index = SEGMENT_COUNT; /* what comes after a gap is of no use */
				continue;
			}
			*captured += piece;
			*within += piece;
		}
		if (*within >= segment->length) {
			*within -= segment->length;
			*index += 1;
		}
	}
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

/* Reports the next message of the datagram, if it is ipset's, or steps over some that are not. */
static __always_inline void next_in_datagram(void *ctx, struct mine_send *send)
{
	struct sock *sock = (void *)send->sock;
	struct mine_command command = {};
	struct nlmsghdr message = {};
	struct mine_event *event;
	__u64 got, at, left = send->size - send->offset;
	volatile __u64 *within = &send->within; /* in memory, as in gather() */
	__u32 zero = 0;
	enum { SEEKING, FOUND, ENDED } state = SEEKING;

	event = bpf_map_lookup_elem(&scratch, &zero);
	if (!event || left < sizeof(message))
		goto over;
	gather(event, send);
	got = event->captured_len;
	*within = 0;
	if (got < sizeof(message)) {
		COUNT(lost_message);
		goto over;
	}
	UNROLL
	for (int step = 0; step < FOREIGN_COUNT; step++) {
		at = *within;
		if (state != SEEKING || at + sizeof(message) > got)
			continue;
		at = AT_MOST(at, MINE_MESSAGE_MAX);
		bpf_probe_read_kernel(&message, sizeof(message), event->data + at);
		if (message.nlmsg_len < sizeof(message) || message.nlmsg_len > left - at)
			state = ENDED; /* for the kernel too */
		else if (!(send->offset + at) && message.nlmsg_type == NFNL_MSG_BATCH_BEGIN)
			state = ENDED; /* ipset has no part in batches */
		else if (message.nlmsg_type >> 8 == NFNL_SUBSYS_IPSET && message.nlmsg_flags & NLM_F_REQUEST &&
			 message.nlmsg_len >= MESSAGE_MIN)
			state = FOUND;
		else
			*within += NLMSG_ALIGN((__u64)message.nlmsg_len);
	}
	if (state == ENDED)
		goto over;
	if (state == SEEKING || *within) {
		send->offset += *within; /* the next time, from there */
		return;
	}
	command.net = (__u64)BPF_CORE_READ(sock, __sk_common.skc_net.net);
	find_result(send, &message, &command);
	if (got > message.nlmsg_len)
		got = message.nlmsg_len;
	if (got < MESSAGE_MIN) {
		COUNT(lost_message);
	} else if (begin_event(event, &command, &message)) {
		end_event(ctx, event, &command, AT_MOST(got, MINE_MESSAGE_MAX));
	}
	/* Who has no right is told so once per datagram, and the rest of it is not looked at. */
	if (!send->offset && command.result == -EPERM)
		goto over;
	send->offset += NLMSG_ALIGN((__u64)message.nlmsg_len);
	return;
over:
	send->offset = send->size;
}

/* The exit of all calls that send. */
SEC("tracepoint")
int mine_sent(struct mine_syscall_exit *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_send *send = bpf_map_lookup_elem(&sends, &thread);
	__s64 result = ctx->result;

	if (!send)
		return 0;
	/* What failed was not delivered. */
	if (result <= 0)
		goto done;
	if (!send->datagrams)
		send->datagrams = send->memory == MEMORY_DATAGRAMS ? result : 1;
	if (send->offset >= send->size)
		open_datagram(send, result);
	if (send->offset < send->size)
		next_in_datagram(ctx, send);
	if (send->offset >= send->size && send->datagram >= send->datagrams)
		goto done;
	bpf_tail_call(ctx, &next_message, 0);
	COUNT(lost_rest);
done:
	bpf_map_delete_elem(&sends, &thread);
	return 0;
}

static __always_inline void begin_receive(struct mine_receive *receive, __u32 fd)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct sock *sock = netfilter_socket(fd);

	if (!sock)
		return;
	receive->sock = (__u64)sock;
	/* Where there is no room, an answer may not be seen; then it is said to be unknown. */
	bpf_map_update_elem(&receives, &thread, receive, BPF_ANY);
}

/* recvfrom(fd, buffer, size, ...) */
SEC("tracepoint")
int mine_recvfrom(struct mine_syscall_enter *ctx)
{
	struct mine_receive receive = {
		.memory = MEMORY_BUFFER,
		.address = ctx->args[1],
		.length = ctx->args[2],
	};

	begin_receive(&receive, ctx->args[0]);
	return 0;
}

/* recvmsg(fd, message, flags) */
SEC("tracepoint")
int mine_recvmsg(struct mine_syscall_enter *ctx)
{
	struct mine_receive receive = { .memory = MEMORY_MESSAGE, .address = ctx->args[1] };

	begin_receive(&receive, ctx->args[0]);
	return 0;
}

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

/* The exit of both. */
SEC("tracepoint")
int mine_received(struct mine_syscall_exit *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_receive *receive = bpf_map_lookup_elem(&receives, &thread);

	if (!receive)
		return 0;
	if (ctx->result > 0)
		keep_answer(receive, ctx->result);
	bpf_map_delete_elem(&receives, &thread);
	return 0;
}

#endif /* MINE_TRACEPOINT_BPF_H */
