// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Sends an ipset command each millisecond until SIGTERM, so that a tool's output shows since when
 * it misses none. Each command names a set of its own, probeNUMBER, that does not exist. The kinds
 * of command take turns, because a tool may see one kind before another. All commands fail, so
 * nothing changes.
 *
 *   prober     prints at its end a line for each command: number, CLOCK_MONOTONIC in ns
 *              before it was sent
 */
#include <signal.h>
#include "ipset-message.h"

#define INTERVAL_NS 1000000
#define PROBES_MAX  600000 /* ten minutes */

static const enum ipset_cmd commands[] = {
	IPSET_CMD_DESTROY, IPSET_CMD_FLUSH, IPSET_CMD_RENAME, IPSET_CMD_SWAP,
	IPSET_CMD_ADD,	   IPSET_CMD_DEL,   IPSET_CMD_TEST,
};
static uint64_t sent_ns[PROBES_MAX];
static volatile sig_atomic_t stopping;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static void probe(int fd, unsigned int number)
{
	enum ipset_cmd command = commands[number % (sizeof(commands) / sizeof(commands[0]))];
	struct message message;
	char set[IPSET_MAXNAMELEN], answer[4096];

	snprintf(set, sizeof(set), "probe%u", number);
	begin_message(&message, command, set);
	if (command == IPSET_CMD_RENAME || command == IPSET_CMD_SWAP)
		put(&message, IPSET_ATTR_SETNAME2, "probe", sizeof("probe"));
	if (command == IPSET_CMD_ADD || command == IPSET_CMD_DEL || command == IPSET_CMD_TEST)
		put_address(&message, 10u << 24);
	sent_ns[number] = now_ns(CLOCK_MONOTONIC);
	send_message(fd, &message);
	if (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) < 0)
		err(1, "the kernel did not refuse probe %u", number);
}

int main(void)
{
	const struct timespec interval = { .tv_nsec = INTERVAL_NS };
	unsigned int sent = 0;
	int fd = open_socket();

	signal(SIGTERM, stop);
	for (; !stopping && sent < PROBES_MAX; sent++) {
		probe(fd, sent);
		nanosleep(&interval, NULL);
	}
	for (unsigned int number = 0; number < sent; number++)
		printf("%u %llu\n", number, (unsigned long long)sent_ns[number]);
	return stopping ? 0 : 1;
}
