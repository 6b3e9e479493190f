/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Sends ipset's netlink messages, one datagram at a time, and reads the kernel's answers after
 * each.
 */
#ifndef SENDER_H
#define SENDER_H

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define SUBSYSTEM (NFNL_SUBSYS_IPSET << 8)
#define HEADERS	  (NLMSG_HDRLEN + sizeof(struct nfgenmsg)) /* min size of a command */
#define ROOM	  32768
#define MARGIN	  1024 /* max bytes that a function appends without a check of the buffer's space */

struct sender {
	int fd;
	uint32_t sequence; /* sequence number of the last message */
	uint64_t handled, failed, unanswered;
	uint64_t random;
	size_t size; /* bytes of the current datagram */
	_Alignas(4) uint8_t data[ROOM];
};

/* --- Messages --- */

static inline struct nlattr *put(struct sender *s, uint16_t type, const void *value, size_t size)
{
	struct nlattr *attribute = (void *)(s->data + s->size);

	attribute->nla_type = type;
	attribute->nla_len = NLA_HDRLEN + size;
	memset(attribute + 1, 0, NLA_ALIGN(size));
	memcpy(attribute + 1, value, size);
	s->size += NLA_ALIGN(attribute->nla_len);
	return attribute;
}

static inline void put_u8(struct sender *s, uint16_t type, uint8_t value)
{
	put(s, type, &value, sizeof(value));
}

static inline void put_u32(struct sender *s, uint16_t type, uint32_t value)
{
	value = htonl(value);
	put(s, type | NLA_F_NET_BYTEORDER, &value, sizeof(value));
}

static inline void put_string(struct sender *s, uint16_t type, const char *text)
{
	put(s, type, text, strlen(text) + 1);
}

static inline struct nlattr *begin_nest(struct sender *s, uint16_t type)
{
	return put(s, type | NLA_F_NESTED, "", 0);
}

static inline void end_nest(struct sender *s, struct nlattr *nest)
{
	nest->nla_len = s->data + s->size - (uint8_t *)nest;
}

static inline struct nlmsghdr *begin(struct sender *s, uint8_t command, uint16_t flags,
				     const char *set)
{
	struct nlmsghdr *header = (void *)(s->data + s->size);

	memset(header, 0, HEADERS);
	header->nlmsg_type = SUBSYSTEM | command;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	((struct nfgenmsg *)(header + 1))->nfgen_family = AF_INET;
	s->size += HEADERS;
	put_u8(s, IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL);
	if (set)
		put_string(s, IPSET_ATTR_SETNAME, set);
	return header;
}

static inline void end(struct sender *s, struct nlmsghdr *header)
{
	header->nlmsg_len = s->data + s->size - (uint8_t *)header;
}

/* Appends a set type, with the attributes that every type requires. */
static inline void put_type(struct sender *s, const char *type, uint8_t revision)
{
	put_string(s, IPSET_ATTR_TYPENAME, type);
	put_u8(s, IPSET_ATTR_REVISION, revision);
	put_u8(s, IPSET_ATTR_FAMILY, strncmp(type, "hash", 4) ? AF_UNSPEC : AF_INET);
}

static inline void put_element(struct sender *s, uint32_t address)
{
	struct nlattr *data = begin_nest(s, IPSET_ATTR_DATA), *ip = begin_nest(s, IPSET_ATTR_IP);

	put_u32(s, IPSET_ATTR_IPADDR_IPV4, address);
	end_nest(s, ip);
	end_nest(s, data);
}

/* --- Sending and answers --- */

/* Returns the message at offset @at; NULL if the kernel would not read one there. */
static inline struct nlmsghdr *message_at(struct sender *s, size_t at)
{
	struct nlmsghdr *header = (void *)(s->data + at);

	if (at + NLMSG_HDRLEN > s->size || header->nlmsg_len < NLMSG_HDRLEN ||
	    header->nlmsg_len > s->size - at)
		return NULL;
	return header;
}

/*
 * Sets the sequence number and the subsystem of each message. Random changes may have overwritten
 * them.
 */
static inline void number(struct sender *s)
{
	struct nlmsghdr *header;

	for (size_t at = 0; (header = message_at(s, at)); at += NLMSG_ALIGN(header->nlmsg_len)) {
		header->nlmsg_type = SUBSYSTEM | (uint8_t)header->nlmsg_type;
		header->nlmsg_seq = ++s->sequence;
	}
}

/*
 * Reads all queued answers. @return a bit for each answered message after sequence number @before
 */
static inline uint64_t receive(struct sender *s, uint32_t before)
{
	static __thread _Alignas(4) uint8_t data[65536];
	uint64_t answered = 0;
	ssize_t size;

	while ((size = recv(s->fd, data, sizeof(data), MSG_DONTWAIT)) > 0) {
		struct nlmsghdr *header;

		for (ssize_t at = 0; at < size; at += NLMSG_ALIGN(header->nlmsg_len)) {
			header = (void *)(data + at);
			if (header->nlmsg_len < NLMSG_HDRLEN)
				errx(1, "the kernel sent a message of %u bytes", header->nlmsg_len);
			if (header->nlmsg_type != NLMSG_ERROR && header->nlmsg_type != NLMSG_DONE)
				continue;
			answered |= 1ull << (header->nlmsg_seq - before - 1);
			if (header->nlmsg_type == NLMSG_ERROR && *(int *)NLMSG_DATA(header))
				s->failed++;
		}
	}
	if (size == 0 || errno != EAGAIN)
		err(1, "cannot receive an answer");
	return answered;
}

/*
 * Sends the datagram and counts its messages. The kernel executes the messages before send()
 * returns.
 */
static inline void deliver(struct sender *s)
{
	uint32_t before = s->sequence;
	struct nlmsghdr *header;
	uint64_t answered;

	number(s);
	if (send(s->fd, s->data, s->size, 0) < 0)
		err(1, "cannot send");
	answered = receive(s, before);
	for (size_t at = 0; (header = message_at(s, at)); at += NLMSG_ALIGN(header->nlmsg_len)) {
		/*
		 * The kernel skips messages without struct nfgenmsg, and messages that are no
		 * request.
		 */
		if (header->nlmsg_len < HEADERS || !(header->nlmsg_flags & NLM_F_REQUEST))
			continue;
		s->handled++;
		if (header->nlmsg_flags & NLM_F_ACK &&
		    !(answered >> (header->nlmsg_seq - before - 1) & 1))
			s->unanswered++;
	}
	s->size = 0;
}

static inline void create(struct sender *s, const char *set, const char *type)
{
	struct nlmsghdr *header = begin(s, IPSET_CMD_CREATE, NLM_F_EXCL, set);

	put_type(s, type, 0);
	end_nest(s, begin_nest(s, IPSET_ATTR_DATA));
	end(s, header);
	deliver(s);
}

static inline void open_sender(struct sender *s)
{
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (s->fd < 0)
		err(1, "cannot open a netlink socket");
}

#endif /* SENDER_H */
