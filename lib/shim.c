// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Formats libbpf's log, which arrives as a format and a va_list. TypeScript cannot read a va_list
 * through bun:ffi. So C formats a line and passes only the finished string. libbpf logs hundreds of
 * lines when nothing is wrong. Lines above the wanted level are not formatted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "libbpf.h"

/* libbpf logs a whole verifier log, of at most 16 MiB, as one line. */
#define LINE_MAX_BYTES (32u << 20)

typedef void (*log_fn)(int level, const char *line);

void mine_set_log(log_fn log, int level) __attribute__((visibility("default")));

static log_fn log_line;
static int log_level;

/* Formats one line. libbpf_print() restores errno for its callers, so this function may change it.
 */
static int format_line(enum libbpf_print_level level, const char *format, va_list args)
{
	char small[512], *line = small;
	size_t size = sizeof(small);
	va_list again;
	int len;

	if ((int)level > log_level)
		return 0;
	va_copy(again, args);
	len = vsnprintf(small, size, format, args);
	if (len < 0) {
		/* An argument cannot be formatted. The format alone still identifies the message.
		 */
		log_line(level, format);
	} else {
		if ((size_t)len >= size) {
			size_t want =
				(size_t)len < LINE_MAX_BYTES ? (size_t)len + 1 : LINE_MAX_BYTES;
			char *big = malloc(want);

			if (big) {
				line = big;
				size = want;
				vsnprintf(line, size, format, again);
			}
		}
		if ((size_t)len >= size) {
			static const char mark[] = "... (line cut here)\n";

			snprintf(line + size - sizeof(mark), sizeof(mark), "%s", mark);
		}
		log_line(level, line);
		if (line != small)
			free(line);
	}
	va_end(again);
	return 0;
}

/*
 * Sends libbpf's messages up to LEVEL (enum libbpf_print_level) to LOG, on the thread that called
 * libbpf. NULL silences libbpf.
 */
void mine_set_log(log_fn log, int level)
{
	log_line = log;
	log_level = level;
	libbpf_set_print(log ? format_line : NULL);
}
