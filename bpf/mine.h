/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The data between the kernel and user space. This file is the only place where the layouts are
 * written down: the TypeScript side is generated from the BTF of the objects compiled with it.
 *
 * Types and constants only. Fixed-width fields, widest first, no implicit padding, host byte order.
 */
#ifndef MINE_H
#define MINE_H

#define MINE_COMM_LEN 16

/*
 * ipset(8) fills messages up to 8 KiB; other programs may send longer ones. An event must fit in
 * one element of a per-CPU map (32 KiB), so longer data is truncated, and marked as such.
 */
#define MINE_MESSAGE_MAX   16384
#define MINE_ARGUMENTS_MAX 4096
/* The room for the last name comes on top: a name has 255 bytes at most. */
#define MINE_EXECUTABLE_MAX 1024
#define MINE_NAME_MAX	    256
/*
 * The beginning of the message that the kernel sends back with an error: the line at fault is
 * there.
 */
#define MINE_REPLY_MAX 96
/*
 * Captured bytes of a message from a caller without CAP_NET_ADMIN: a flood must not fill the
 * buffer.
 */
#define MINE_DENIED_MAX 256
#define MINE_DATA_MAX                                                                              \
	(MINE_MESSAGE_MAX + MINE_ARGUMENTS_MAX + MINE_EXECUTABLE_MAX + MINE_NAME_MAX +             \
	 MINE_REPLY_MAX)

/* Bits of mine_event.flags. */
enum mine_flag {
	MINE_REFUSED = 1,	 /* refused before any handler of ipset saw it */
	MINE_EXECUTABLE_CUT = 2, /* the path goes on towards the root: it was too long */
	MINE_UNANSWERED = 4,	 /* what the kernel answered was not seen: result says nothing */
	MINE_BY_READER = 8, /* another process ended the dump: pid, uid and gid are the sender's,
			       the rest is unset */
};

/* One ipset command, when the kernel was done with it. */
struct mine_event {
	__u64 ts_ns;	 /* CLOCK_MONOTONIC */
	__u64 cgroup_id; /* in the unified hierarchy; 0 where there is none */
	__u32 pid;	 /* thread group id in the initial pid namespace */
	__u32 tid;
	__u32 ppid;
	__u32 uid; /* real ids in the initial user namespace */
	__u32 gid;
	__u32 effective_uid;
	__u32 effective_gid;
	__u32 login_uid; /* audit's loginuid and session; AUDIT_UID_UNSET where none is set */
	__u32 session_id;
	__u32 netns;  /* inode number of the network namespace that the sets are in */
	__s32 result; /* what the handler returned: 0, -errno or -IPSET_ERR_* */
	__s32 answer; /* the error that came with @reply; 0 for none */
	enum mine_flag flags;
	__u32 message_len;   /* nlmsg_len: how long the message was */
	__u32 captured_len;  /* how much of it is in data */
	__u32 arguments_len; /* how long the command line is in the caller's memory */
	__u32 arguments_captured;
	__u32 executable_len; /* of the path, see below */
	__u32 reply_len;
	__u32 reserved;
	char comm[MINE_COMM_LEN];
	/*
	 * One after the other, each as long as said above, and no more is sent:
	 *   the message: struct nlmsghdr, struct nfgenmsg, attributes
	 *   the command line: arguments, a NUL after each
	 *   the executable's path: names from the file up to the root, a NUL after each
	 *   where there is an answer, the message as the kernel sent it back with it, cut to
	 * MINE_REPLY_MAX
	 */
	__u8 data[MINE_DATA_MAX];
};

#define AUDIT_UID_UNSET 0xffffffff

_Static_assert(__builtin_offsetof(struct mine_event, data) == 112, "struct mine_event has a hole");
_Static_assert(sizeof(struct mine_event) == 112 + MINE_DATA_MAX, "struct mine_event has padding");
_Static_assert(sizeof(struct mine_event) <= 32768,
	       "struct mine_event does not fit in a per-CPU map");

/* The filter; in the modern object .rodata, in the legacy one the one element of the "filters" map.
 */
struct mine_filter {
	__u32 commands; /* bit N: enum ipset_cmd N is wanted */
	__u32 denied;  /* the same for who lacks CAP_NET_ADMIN: ipset(8) asks a few things before it
			  acts */
	__u32 pid;     /* 0: everyone's */
	__u32 uid;     /* real, effective or login user; AUDIT_UID_UNSET: everyone's */
	__u32 check;   /* nlmsg_seq of the request that fills the "checks" map; 0: none */
	__u32 details; /* not 0: with parent, session, cgroup, command line and executable, which
			  cost as much as the rest */
};

/*
 * Facts about the sender of a request, as the kernel side reads them. The one element of the
 * "checks" map.
 */
struct mine_check {
	__u64 arguments_len;
	__u32 is_read; /* not 0: all of this was */
	__u32 ppid;
	__u32 effective_uid;
	__u32 login_uid;
	__u32 session_id;
	__u32 netns;
};

/*
 * Every way to miss a command, counted where it happens. The one element, per CPU, of the
 * "counters" map.
 */
struct mine_counters {
	__u64 submitted; /* events given to the event buffer: an event that does not arrive was lost
			    there */
	__u64 lost_buffer;  /* it had no room, as far as the kernel says so at once */
	__u64 lost_call;    /* too many commands under way at once: the entry was not recorded */
	__u64 lost_entry;   /* a return without an entry: it began before we came, or its entry was
			       missed */
	__u64 entered;	    /* entries: those without a return, in the end, were lost */
	__u64 returned;	    /* returns with an entry */
	__u64 lost_message; /* no ipset message where this kernel should have one */
	__u64 lost_rest; /* messages of a request that has more of them than a program can look at
			  */
	__u64 filtered;	 /* not wanted, see struct mine_filter: not lost */
	__u64 denied; /* from callers without CAP_NET_ADMIN, beyond the share that they have of the
			 buffer */
};

#endif /* MINE_H */
