/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What elfutils' configure would find out, cut down to what libelf asks. It stands in for a configure run,
 * which takes longer than compiling libelf and wants zlib's and other development packages installed.
 * USE_ZSTD and USE_LOCKS stay undefined: no zstd, and no locks since libelf is used by one thread.
 * musl has no rawmemchr(); libelf brings its own.
 */
#define _GNU_SOURCE 1
#define PACKAGE_NAME "elfutils"
#define HAVE_DECL_MEMPCPY 1
#define HAVE_DECL_MEMRCHR 1
#define HAVE_DECL_POWEROF2 1
#define HAVE_DECL_REALLOCARRAY 1
#define HAVE_ERR_H 1 /* libelf calls no error(), and musl has no error.h */
#define HAVE_FALLTHROUGH 1
#define HAVE_MREMAP 1
#define HAVE_STDATOMIC_H 1
#define HAVE_VISIBILITY 1

/* As at the end of the generated file: every source includes config.h and expects this from it. */
#include <eu-config.h>
