/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ipset netlink messages that the bench sends, and their socket. */
#ifndef IPSET_MESSAGE_H
#define IPSET_MESSAGE_H

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * A buffer large enough for every message of the bench; the functions below do not check its end.
 */
struct message {
	struct nlmsghdr header;
	struct nfgenmsg generic;
	char attributes[256];
};

static inline struct nlattr *put(struct message *message, uint16_t type, const void *value,
				 size_t size)
{
	struct nlattr *attribute = (void *)((char *)message + message->header.nlmsg_len);

	attribute->nla_type = type;
	attribute->nla_len = NLA_HDRLEN + size;
	memset(attribute + 1, 0, NLA_ALIGN(size));
	memcpy(attribute + 1, value, size);
	message->header.nlmsg_len += NLA_ALIGN(attribute->nla_len);
	return attribute;
}

static inline struct nlattr *begin_nest(struct message *message, uint16_t type)
{
	return put(message, type | NLA_F_NESTED, "", 0);
}

static inline void end_nest(struct message *message, struct nlattr *nest)
{
	nest->nla_len = (char *)message + message->header.nlmsg_len - (char *)nest;
}

/* Begins a message without NLM_F_ACK: the kernel then acknowledges only errors. */
static inline void begin_message(struct message *message, enum ipset_cmd command, const char *set)
{
	const uint8_t protocol = IPSET_PROTOCOL;

	message->header = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
		.nlmsg_type = NFNL_SUBSYS_IPSET << 8 | command,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_EXCL,
	};
	message->generic = (struct nfgenmsg){ .nfgen_family = AF_INET };
	put(message, IPSET_ATTR_PROTOCOL, &protocol, sizeof(protocol));
	put(message, IPSET_ATTR_SETNAME, set, strlen(set) + 1);
}

/* Appends the element of ADD, DEL and TEST: one IPv4 address, in host byte order. */
static inline void put_address(struct message *message, uint32_t address)
{
	const uint32_t bytes = htonl(address);
	struct nlattr *data = begin_nest(message, IPSET_ATTR_DATA);
	struct nlattr *ip = begin_nest(message, IPSET_ATTR_IP);

	put(message, IPSET_ATTR_IPADDR_IPV4 | NLA_F_NET_BYTEORDER, &bytes, sizeof(bytes));
	end_nest(message, ip);
	end_nest(message, data);
}

static inline int open_socket(void)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)))
		err(1, "cannot open a netlink socket");
	return fd;
}

/* Sends a message. The kernel has executed it when this returns. */
static inline void send_message(int fd, const struct message *message)
{
	if (send(fd, message, message->header.nlmsg_len, 0) < 0)
		err(1, "cannot send a netlink message");
}

static inline uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		err(1, "cannot read clock %d", (int)clock);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

#endif /* IPSET_MESSAGE_H */
