// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Adds COUNT addresses from 10.0.0.0 on to a set of type hash:ip, one message each, as fast as the
 * kernel accepts them.
 *
 *   flooder SET COUNT     prints the elapsed nanoseconds and those of processor time
 *
 * It asks for no acknowledgement. The kernel has added the address when send() returns, and an
 * acknowledgement would add time that has nothing to do with the command. The kernel reports errors
 * all the same.
 */
#include <stdlib.h>
#include "ipset-message.h"

int main(int argc, char **argv)
{
	struct message message;
	uint64_t elapsed, cpu;
	uint32_t count;
	char answer[4096];
	int fd;

	if (argc != 3)
		errx(2, "usage: flooder SET COUNT");
	count = strtoul(argv[2], NULL, 10);
	fd = open_socket();

	elapsed = now_ns(CLOCK_MONOTONIC);
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (uint32_t i = 0; i < count; i++) {
		begin_message(&message, IPSET_CMD_ADD, argv[1]);
		put_address(&message, (10u << 24) + i);
		send_message(fd, &message);
	}
	cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	elapsed = now_ns(CLOCK_MONOTONIC) - elapsed;

	if (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) >= 0 || errno != EAGAIN)
		errx(1, "the kernel refused an address");
	printf("%llu %llu\n", (unsigned long long)elapsed, (unsigned long long)cpu);
	return 0;
}
