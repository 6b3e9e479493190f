// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 *   stopwatch start FILE COMMAND...   writes CLOCK_MONOTONIC in ns to FILE and becomes COMMAND
 *   stopwatch run COMMAND...          runs COMMAND; prints the elapsed nanoseconds and those of
 *                                     processor time
 *   stopwatch cpu PID                 prints the nanoseconds of processor time of the process,
 *                                     with its ended threads and its waited-for children
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		err(1, "cannot read clock %d", (int)clock);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static uint64_t microseconds(struct timeval time)
{
	return time.tv_sec * 1000000ull + time.tv_usec;
}

static void start(const char *path, char **command)
{
	FILE *file = fopen(path, "w");

	if (!file || fprintf(file, "%llu\n", (unsigned long long)now_ns(CLOCK_MONOTONIC)) < 0 ||
	    fclose(file))
		err(1, "cannot write %s", path);
	execvp(command[0], command);
	err(1, "cannot run %s", command[0]);
}

static void run(char **command)
{
	uint64_t began = now_ns(CLOCK_MONOTONIC);
	struct rusage usage;
	pid_t child = fork();
	int status;

	if (child == 0) {
		execvp(command[0], command);
		err(1, "cannot run %s", command[0]);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) < 0)
		err(1, "cannot run %s", command[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		errx(1, "%s failed", command[0]);
	printf("%llu %llu\n", (unsigned long long)(now_ns(CLOCK_MONOTONIC) - began),
	       (unsigned long long)(microseconds(usage.ru_utime) + microseconds(usage.ru_stime)) *
		       1000);
}

/*
 * Returns the processor time of ended children. /proc/PID/stat counts hundredths of a second: too
 * coarse for more.
 */
static uint64_t children_ns(pid_t pid)
{
	unsigned long user, system;
	char path[32], line[1024];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file))
		err(1, "cannot read %s", path);
	fclose(file);
	/*
	 * The name may hold any byte, so parse behind it: fields 3 to 15, then cutime and cstime.
	 */
	if (sscanf(strrchr(line, ')') + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lu %lu", &user,
		   &system) != 2)
		errx(1, "cannot understand %s", path);
	return (user + system) * (1000000000ull / sysconf(_SC_CLK_TCK));
}

static void cpu(pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock))
		errx(1, "there is no process %d", (int)pid);
	printf("%llu\n", (unsigned long long)(now_ns(clock) + children_ns(pid)));
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "start"))
		start(argv[2], argv + 3);
	else if (argc > 2 && !strcmp(argv[1], "run"))
		run(argv + 2);
	else if (argc == 3 && !strcmp(argv[1], "cpu"))
		cpu(atoi(argv[2]));
	else
		errx(2, "usage: stopwatch start FILE COMMAND... | run COMMAND... | cpu PID");
	return 0;
}
