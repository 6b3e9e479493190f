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

#define NFNL_MSG_BATCH_BEGIN 0x10
#define NLM_F_REQUEST 0x1
#define NLMSG_ALIGN(length) (((length) + 3) & ~3ULL)

/* How many messages that are not ipset's are stepped over at once. */
#ifdef MINE_LEGACY
#define FOREIGN_COUNT 4
#else
#define FOREIGN_COUNT 8
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

/* mine_sent itself: it must not loop, but may call itself 32 times or 33. Filled from user space. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next_message SEC(".maps");

/* The first message must fit into what is sent, and not begin a batch of nf_tables. */
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
