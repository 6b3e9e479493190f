/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What crosses from the kernel to user space. This file is the only place where the layout is
 * written down: the TypeScript side is generated from the BTF of the objects compiled with it.
 *
 * Types and constants only. Fixed-width fields, widest first, no implicit padding.
 */
#ifndef MINE_H
#define MINE_H

#define MINE_COMM_LEN 16

/*
 * ipset(8) fills messages up to 8 KiB; other programs may send longer ones. An event must also fit in
 * one element of a per-CPU map (32 KiB), so what is longer than this is cut, and said to be.
 */
#define MINE_MESSAGE_MAX 16384

/* One ipset command, at its return. All integers in host byte order unless said otherwise. */
struct mine_event {
	__u64 ts_ns;	    /* CLOCK_MONOTONIC, when the handler returned */
	__u32 pid;	    /* thread group id in the initial pid namespace */
	__u32 tid;
	__u32 uid;	    /* real uid in the initial user namespace */
	__u32 login_uid;    /* audit's loginuid; MINE_NO_LOGIN_UID where none is set */
	__s32 result;	    /* what the handler returned: 0, -errno or -IPSET_ERR_* */
	__u32 message_len;  /* nlmsg_len: how long the message was */
	__u32 captured_len; /* how much of it follows */
	__u32 reserved;
	char comm[MINE_COMM_LEN];
	/* struct nlmsghdr, struct nfgenmsg, attributes; only captured_len bytes are sent. */
	__u8 message[MINE_MESSAGE_MAX];
};

#define MINE_NO_LOGIN_UID 0xffffffff

_Static_assert(__builtin_offsetof(struct mine_event, message) == 56, "struct mine_event has a hole");
_Static_assert(sizeof(struct mine_event) == 56 + MINE_MESSAGE_MAX, "struct mine_event has padding");

/* Every way to miss a command is counted where it happens. Index of the "counters" map. */
enum mine_counter {
	MINE_LOST_BUFFER,  /* the event buffer had no room */
	MINE_LOST_CALL,	   /* too many commands under way at once: the entry was not recorded */
	MINE_LOST_ENTRY,   /* a return without an entry: it began before we came, or its entry was missed */
	MINE_LOST_MESSAGE, /* no ipset message where this kernel should have one */
	MINE_COUNTERS,
};

#endif /* MINE_H */
