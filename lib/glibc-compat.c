// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Keeps the library loadable on glibc 2.17, on any build machine.
 *
 * glibc binds each call to the newest symbol version of the build machine. An older machine then
 * refuses to load the file. This library defines the functions below itself, hidden. So the linker
 * binds libbpf, libelf and zlib to them and imports nothing newer.
 *
 * Headers stay as they are: a forced include would fix the feature macros before libbpf_utils.c can
 * choose the POSIX strerror_r().
 *
 * scripts/check-glibc.sh names missing functions when a new version of a library needs newer
 * symbols.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* This file itself needs the plain strtol() and its relatives, hence no _GNU_SOURCE and no C23. */
#if defined(_GNU_SOURCE) || __STDC_VERSION__ > 201710L
#error "compile glibc-compat.c as C11 without _GNU_SOURCE"
#endif

#pragma GCC visibility push(hidden)

/*
 * Replaces fstat@GLIBC_2.33, which was a macro for __fxstat() before. 64-bit kernels and glibc
 * share struct stat.
 */
int fstat(int fd, struct stat *st)
{
	return syscall(SYS_fstat, fd, st);
}

/*
 * Replaces fmemopen@GLIBC_2.22. The older version differs only for writing and for empty buffers.
 * libbpf only reads.
 */
FILE *fmemopen_first(void *buf, size_t size, const char *mode)
	__attribute__((visibility("default")));
#ifdef __x86_64__
__asm__(".symver fmemopen_first,fmemopen@GLIBC_2.2.5");
#else
__asm__(".symver fmemopen_first,fmemopen@GLIBC_2.17");
#endif

FILE *fmemopen(void *buf, size_t size, const char *mode)
{
	return fmemopen_first(buf, size, mode);
}

/*
 * Replaces __isoc23_*@GLIBC_2.38. Under _GNU_SOURCE, glibc's headers redirect the scanf and strtol
 * families to these, so that they accept 0b101 too. These libraries parse no binary literals.
 */
int __isoc23_sscanf(const char *str, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsscanf(str, format, args);
	va_end(args);
	return n;
}

int __isoc23_fscanf(FILE *file, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vfscanf(file, format, args);
	va_end(args);
	return n;
}

long __isoc23_strtol(const char *str, char **end, int base)
{
	return strtol(str, end, base);
}

unsigned long long __isoc23_strtoull(const char *str, char **end, int base)
{
	return strtoull(str, end, base);
}

#pragma GCC visibility pop
