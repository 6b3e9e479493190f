/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The event that the kernel side of the reference sends to user space for one command. */
#ifndef REFERENCE_H
#define REFERENCE_H

#define SET_NAME_MAX 32 /* IPSET_MAXNAMELEN */
#define COMM_MAX     16

enum command { CREATE, DESTROY, FLUSH, RENAME, SWAP, DUMP, TEST, ADD, DEL };

struct event {
	unsigned int pid;
	unsigned int uid;
	int result;
	enum command command;
	char comm[COMM_MAX];
	char set[SET_NAME_MAX];
	char second[SET_NAME_MAX]; /* the type for CREATE, the other name for RENAME and SWAP */
};

#endif /* REFERENCE_H */
