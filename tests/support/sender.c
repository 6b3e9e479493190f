/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Sends ipset messages in a new network namespace, and counts the kernel's acknowledgements.
 *
 *   sender flood COUNT          ADDs to four sets in turn; every fifth message is a DEL that fails
 *   sender random COUNT SEED    sends messages that are valid, have changed bytes, or are random bytes
 *   sender missing COUNT        creates a set of a missing type, in each of COUNT threads at once
 *   sender denied ELEMENTS      ADDs with ELEMENTS empty elements, without privileges, until it
 *                               is killed
 *
 * Prints one line: "handled N failed N unanswered N". "handled" counts messages that the kernel
 * takes for ipset commands. "unanswered" counts those of them that request an acknowledgement and
 * get none.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "sender.h"

static void flood(struct sender *s, uint64_t count)
{
	static const char *const sets[] = { "flood0", "flood1", "flood2", "flood3" };

	for (int i = 0; i < 4; i++)
		create(s, sets[i], "hash:ip");
	for (uint64_t i = 0; i < count; i++) {
		bool fails = i % 5 == 4;
		struct nlmsghdr *header = begin(s, fails ? IPSET_CMD_DEL : IPSET_CMD_ADD,
						fails ? NLM_F_EXCL : 0, sets[i % 4]);

		put_element(s, (fails ? 192u << 24 : 10u << 24) + i % 4096);
		end(s, header);
		deliver(s);
	}
}

static uint32_t below(struct sender *s, uint32_t limit)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return (s->random >> 16) % limit;
}

static void random_bytes(struct sender *s, uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at[i] = below(s, 256);
}

static const char *random_set(struct sender *s)
{
	static const char *const names[] = {
		"a",	      "b",	   "c",
		"esc\x1b[2J", "line\nend", "bidi\u202e",
		"\xff\xfe",   "quote\"\\", "31-bytes-long-31-bytes-long-31-",
	};

	return names[below(s, sizeof(names) / sizeof(*names))];
}

/* Appends one message of any command, valid or nearly valid. */
static void put_command(struct sender *s)
{
	static const char *const types[] = { "hash:ip",	  "hash:net",	 "hash:ip,port",
					     "bitmap:ip", "bitmap:port", "list:set" };
	/*
	 * Half of the messages are CREATE or ADD. Without sets, every command fails with one error.
	 */
	uint8_t command = below(s, 2)	? below(s, IPSET_CMD_MAX + 1)
			  : below(s, 2) ? IPSET_CMD_CREATE
					: IPSET_CMD_ADD;
	struct nlmsghdr *header =
		begin(s, command, below(s, 2) ? NLM_F_EXCL : 0, below(s, 8) ? random_set(s) : NULL);
	struct nlattr *data;

	switch (command) {
	case IPSET_CMD_CREATE:
		put_type(s, types[below(s, sizeof(types) / sizeof(*types))], below(s, 3));
		data = begin_nest(s, IPSET_ATTR_DATA);
		if (below(s, 2))
			put_u32(s, IPSET_ATTR_TIMEOUT, below(s, 1000));
		if (below(s, 2))
			put_u32(s, IPSET_ATTR_CADT_FLAGS, below(s, 64));
		end_nest(s, data);
		break;
	case IPSET_CMD_RENAME:
	case IPSET_CMD_SWAP:
		put_string(s, IPSET_ATTR_TYPENAME, random_set(s)); /* SETNAME2 */
		break;
	case IPSET_CMD_TYPE:
		put_type(s, types[below(s, sizeof(types) / sizeof(*types))], 0);
		break;
	case IPSET_CMD_TEST:
		put_element(s, below(s, 4096));
		break;
	case IPSET_CMD_ADD:
	case IPSET_CMD_DEL:
		put_u32(s, IPSET_ATTR_LINENO, 1);
		data = begin_nest(s, IPSET_ATTR_ADT);
		/* One message in 50 is larger than an event can hold. */
		for (uint32_t more = below(s, 50) ? below(s, 4) : 1500;
		     more > 0 && s->size + MARGIN < ROOM; more--)
			put_element(s, (10u << 24) + below(s, 4096));
		end_nest(s, data);
		break;
	}
	end(s, header);
}

/*
 * Limits each value that the kernel might read as a table size. The kernel allocates a table of any
 * requested size.
 */
static void limit_sizes(struct sender *s)
{
	uint16_t *words = (void *)s->data;

	for (size_t at = 0; at + 8 <= s->size; at += 4) {
		uint16_t type = words[at / 2 + 1] & NLA_TYPE_MASK;

		if (type == IPSET_ATTR_HASHSIZE || type == IPSET_ATTR_SIZE)
			*(uint32_t *)(s->data + at + 4) = htonl(64);
	}
}

static void send_random(struct sender *s, uint64_t count, uint64_t seed)
{
	s->random = seed;
	for (uint64_t i = 0; i < count; i++) {
		if (i % 200 == 199) { /* limits the number of sets */
			end(s, begin(s, IPSET_CMD_DESTROY, 0, NULL));
			deliver(s);
			continue;
		}
		put_command(s);
		while (!below(s, 10) && s->size + MARGIN < ROOM / 2)
			put_command(s);
		switch (below(s, 8)) {
		case 0: /* random bytes after the headers */
			random_bytes(s, s->data + HEADERS, s->size - HEADERS);
			break;
		case 1:
			for (uint32_t changes = 1 + below(s, 8); changes > 0; changes--)
				s->data[below(s, s->size)] = below(s, 256);
			break;
		case 2: /* a wrong length of one attribute, or of the message */
			*(uint16_t *)(s->data + (below(s, s->size) & ~3)) = below(s, 64);
			break;
		}
		limit_sizes(s);
		deliver(s);
	}
}

static void *create_missing(void *barrier)
{
	struct sender *s = calloc(1, sizeof(*s));
	char type[32];

	if (!s)
		err(1, "no memory");
	open_sender(s);
	snprintf(type, sizeof(type), "hash:missing%d", (int)gettid());
	pthread_barrier_wait(barrier);
	create(s, "missing", type);
	return s;
}

static void create_at_once(struct sender *all, uint64_t count)
{
	pthread_t *threads = calloc(count, sizeof(*threads));
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, count);
	for (uint64_t i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, create_missing, &barrier))
			errx(1, "cannot start a thread");
	for (uint64_t i = 0; i < count; i++) {
		void *result;
		struct sender *s;

		pthread_join(threads[i], &result);
		s = result;
		all->handled += s->handled;
		all->failed += s->failed;
		all->unanswered += s->unanswered;
	}
}

/* Does not read answers: the kernel drops them when the receive queue is full. */
static void flood_denied(struct sender *s, uint64_t elements)
{
	struct nlmsghdr *header = begin(s, IPSET_CMD_ADD, NLM_F_EXCL, "denied");
	struct nlattr *data = begin_nest(s, IPSET_ATTR_ADT);

	for (uint64_t i = 0; i < elements; i++)
		end_nest(s, begin_nest(s, IPSET_ATTR_DATA));
	end_nest(s, data);
	end(s, header);
	for (;;)
		send(s->fd, s->data, s->size, 0);
}

int main(int argc, char **argv)
{
	static struct sender s;
	const char *what = argc > 2 ? argv[1] : "";
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	if (!strcmp(what, "denied") && argc == 3) {
		open_sender(&s);
		flood_denied(&s, count);
	}
	if (unshare(CLONE_NEWNET))
		err(1, "cannot have a network namespace");
	open_sender(&s);
	if (!strcmp(what, "flood") && argc == 3)
		flood(&s, count);
	else if (!strcmp(what, "random") && argc == 4)
		send_random(&s, count, strtoull(argv[3], NULL, 10));
	else if (!strcmp(what, "missing") && argc == 3)
		create_at_once(&s, count);
	else
		errx(2, "usage: sender flood COUNT | random COUNT SEED | missing COUNT | denied "
			"ELEMENTS");
	printf("handled %llu failed %llu unanswered %llu\n", (unsigned long long)s.handled,
	       (unsigned long long)s.failed, (unsigned long long)s.unanswered);
	return 0;
}
