/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A call that sends netlink messages: to which socket, where in the caller's memory they are, and how they are read
 * from there. The caller may put them into several pieces of memory, and several of them into one call.
 */
#ifndef MINE_SEND_BPF_H
#define MINE_SEND_BPF_H

#define AF_NETLINK 16
#define NETLINK_NETFILTER 12
#define S_IFMT 0170000
#define S_IFSOCK 0140000

#ifdef MINE_LEGACY
#define SEGMENT_COUNT 4 /* how many pieces of memory a datagram may consist of; the rest is cut off */
#else
#define SEGMENT_COUNT 8
#endif

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

#endif /* MINE_SEND_BPF_H */
