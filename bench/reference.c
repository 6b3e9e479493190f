// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The user side of the reference for mine: libbpf, its callback for each event, and a printf() in
 * it.
 *
 *   reference plain    the common way: writes each line at once, and looks each user up
 *   reference tuned    remembers the last user, and lets stdio gather lines until its buffer is
 *                      full. This is C's best case, but the lines arrive late.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <bpf/libbpf.h>
#include "reference.h"
#include "reference.skel.h"

#define PERF_BUFFER_PAGES 16
#define POLL_MS		  100

static const char *const command_names[] = {
	[CREATE] = "CREATE", [DESTROY] = "DESTROY", [FLUSH] = "FLUSH",
	[RENAME] = "RENAME", [SWAP] = "SWAP",	    [DUMP] = "LIST",
	[TEST] = "TEST",     [ADD] = "ADD",	    [DEL] = "DEL",
};

static bool is_tuned;
static volatile sig_atomic_t stopping;
static unsigned long long seen, lost;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static const char *user_name(uid_t uid)
{
	static char name[64];
	static uid_t last = -1;
	const struct passwd *user;

	if (is_tuned && uid == last)
		return name;
	user = getpwuid(uid);
	snprintf(name, sizeof(name), "%s", user ? user->pw_name : "<unknown>");
	last = uid;
	return name;
}

static void print_event(void *context, int cpu, void *data, __u32 size)
{
	const struct event *event = data;
	time_t now = time(NULL);
	char stamp[32];

	(void)context, (void)cpu, (void)size;
	strftime(stamp, sizeof(stamp), "%Y/%m/%d_%H:%M", localtime(&now));
	printf("(%s) %s (pid: %u) (username: %s - uid: %u) - %s %s%s%s - %d\n", stamp, event->comm,
	       event->pid, user_name(event->uid), event->uid, command_names[event->command],
	       event->set, event->second[0] ? " " : "", event->second, event->result);
	seen++;
}

static void count_lost(void *context, int cpu, __u64 count)
{
	(void)context, (void)cpu;
	lost += count;
}

int main(int argc, char **argv)
{
	struct reference_bpf *skeleton;
	struct perf_buffer *buffer = NULL;
	int err = 1;

	if (argc != 2 || (strcmp(argv[1], "plain") && strcmp(argv[1], "tuned"))) {
		fprintf(stderr, "usage: reference plain|tuned\n");
		return 2;
	}
	is_tuned = !strcmp(argv[1], "tuned");
	if (!is_tuned)
		setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGINT, stop);
	signal(SIGTERM, stop);

	skeleton = reference_bpf__open_and_load();
	if (!skeleton) {
		perror("reference: cannot load the BPF programs");
		return 1;
	}
	buffer = perf_buffer__new(bpf_map__fd(skeleton->maps.events), PERF_BUFFER_PAGES,
				  print_event, count_lost, NULL, NULL);
	if (!buffer) {
		perror("reference: cannot make the perf buffer");
		goto cleanup;
	}
	if (reference_bpf__attach(skeleton)) {
		perror("reference: cannot attach the BPF programs");
		goto cleanup;
	}
	while (!stopping) {
		err = perf_buffer__poll(buffer, POLL_MS);
		if (err < 0 && err != -EINTR) {
			fprintf(stderr, "reference: cannot poll: %s\n", strerror(-err));
			goto cleanup;
		}
	}
	fprintf(stderr, "%llu events seen, %llu lost\n", seen, lost);
	err = 0;
cleanup:
	perf_buffer__free(buffer);
	reference_bpf__destroy(skeleton);
	return err != 0;
}
