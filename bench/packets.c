/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Sends COUNT UDP packets of 64 bytes to an address. Prints the nanoseconds of this thread's
 * processor time for each. Through a veth pair this time covers the packet's whole way.
 *
 *   packets ADDRESS COUNT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	char data[64] = { 0 };
	long count = argc == 3 ? atol(argv[2]) : 0;
	double start;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (count <= 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		errx(2, "usage: packets ADDRESS COUNT");
	if (fd < 0 || connect(fd, (void *)&to, sizeof(to)))
		err(1, "cannot send to %s", argv[1]);
	start = seconds();
	for (long i = 0; i < count; i++)
		send(fd, data, sizeof(data), 0);
	printf("%.1f\n", (seconds() - start) * 1e9 / count);
	return 0;
}
