/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Layouts of the data that the kernel and user space exchange. This file is their only source: the
 * TypeScript side is generated from the BTF of the objects compiled with it.
 *
 * Types and constants only. Fixed-width fields, widest first, no implicit padding, host byte order.
 */
#ifndef MINE_H
#define MINE_H

#define MINE_COMM_LEN 16

/*
 * ipset(8) fills messages up to 8 KiB; other programs may send longer ones. An event must fit in
 * one element of a per-CPU map (32 KiB). Longer texts are truncated, and the event reports it.
 */
#define MINE_MESSAGE_MAX   16384
#define MINE_ARGUMENTS_MAX 4096
/* The last name needs extra space: a name has at most 255 bytes. */
#define MINE_EXECUTABLE_MAX 1024
#define MINE_NAME_MAX	    256
#define MINE_CGROUP_MAX	    1024 /* the same for the path of a cgroup */
/*
 * Max captured bytes of the message that the kernel returns with an error: its beginning holds the
 * line at fault.
 */
#define MINE_REPLY_MAX 96
/*
 * Captured bytes of a message from a caller without CAP_NET_ADMIN: a flood must not fill the
 * buffer.
 */
#define MINE_DENIED_MAX 256
/* Max number of processes between the caller and the first process of the host. */
#define MINE_ANCESTORS_MAX 8
/* Bytes of struct mine_ancestor. BCC cannot read an array whose length has a sizeof(). */
#define MINE_ANCESTOR_LEN 32
#define MINE_DATA_MAX                                                                              \
	(MINE_MESSAGE_MAX + MINE_ARGUMENTS_MAX + MINE_EXECUTABLE_MAX + MINE_NAME_MAX +             \
	 MINE_CGROUP_MAX + MINE_NAME_MAX + MINE_ANCESTORS_MAX * MINE_ANCESTOR_LEN +                \
	 MINE_REPLY_MAX)

/* The caller's parent, or a process further up. */
struct mine_ancestor {
	__u64 start_ns; /* CLOCK_BOOTTIME; 0 if it is unknown */
	__u32 pid;	/* in the initial pid namespace */
	__u32 reserved;
	char comm[MINE_COMM_LEN]; /* empty if it is unknown */
};

/* Bits of mine_event.flags. */
enum mine_flag {
	MINE_REFUSED = 1,	 /* refused before a handler of ipset ran */
	MINE_EXECUTABLE_CUT = 2, /* executable path truncated: names towards the root are missing */
	MINE_UNANSWERED = 4,	 /* the kernel's answer was not seen: result is meaningless */
	/* another process ended the dump: pid, uid and gid are the sender's, the rest is unset */
	MINE_BY_READER = 8,
};

/* One ipset command that the kernel has finished. */
struct mine_event {
	__u64 ts_ns;	 /* CLOCK_MONOTONIC */
	__u64 start_ns;	 /* CLOCK_BOOTTIME at the start of the process; 0 if it is unknown */
	__u64 cgroup_id; /* id in the unified hierarchy, or in systemd's own; 0 if there is none */
	__u32 pid;	 /* thread group id in the initial pid namespace */
	__u32 tid;
	__u32 ppid;
	__u32 uid; /* real ids in the initial user namespace */
	__u32 gid;
	__u32 effective_uid;
	__u32 effective_gid;
	__u32 login_uid; /* audit's loginuid and session; AUDIT_UID_UNSET if unset */
	__u32 session_id;
	__u32 netns;  /* inode number of the sets' network namespace */
	__s32 result; /* the handler's result: 0, -errno or -IPSET_ERR_* */
	__s32 answer; /* error that came with the reply; 0 for none */
	enum mine_flag flags;
	__u32 message_len;   /* nlmsg_len: bytes of the message */
	__u32 captured_len;  /* bytes of the message in data */
	__u32 arguments_len; /* bytes of the command line in the caller's memory */
	__u32 arguments_captured;
	__u32 ancestors_len; /* bytes of the ancestors */
	__u32 reply_len;
	__u16 executable_len; /* bytes of the path, see below */
	__u16 cgroup_len;     /* the same; 0 for the root, and for a path that is too long */
	char comm[MINE_COMM_LEN];
	/*
	 * Consecutive texts, each with the length above. Unused bytes are not sent.
	 *   the message: struct nlmsghdr, struct nfgenmsg, attributes
	 *   the command line: arguments, a NUL after each
	 *   the executable's path: names from the file up to the root, a NUL after each
	 *   the cgroup's path: names from the cgroup up to the root, a NUL after each
	 *   the ancestors: a struct mine_ancestor each, the parent first
	 *   with an answer, the message that the kernel returned with it, truncated to MINE_REPLY_MAX
	 */
	__u8 data[MINE_DATA_MAX];
};

#define AUDIT_UID_UNSET 0xffffffff

_Static_assert(sizeof(struct mine_ancestor) == MINE_ANCESTOR_LEN, "struct mine_ancestor");
_Static_assert(__builtin_offsetof(struct mine_event, data) == 120, "struct mine_event has a hole");
_Static_assert(sizeof(struct mine_event) == 120 + MINE_DATA_MAX, "struct mine_event has padding");
_Static_assert(sizeof(struct mine_event) <= 32768,
	       "struct mine_event does not fit in a per-CPU map");

/* Bits of mine_filter.details: what to report of the caller. */
enum mine_detail {
	MINE_CALLER =
		1, /* parent, session, cgroup, command line and executable; doubles the cost */
	MINE_ANCESTRY = 2,	 /* the processes that started the caller */
	MINE_SYSTEMD_CGROUP = 4, /* the cgroup in systemd's own hierarchy, not in the unified one */
};

/*
 * Selection of the commands to report: .rodata of the modern object, element 0 of the legacy
 * "filters" map.
 */
struct mine_filter {
	__u32 commands; /* bit N: report enum ipset_cmd N */
	/* the same for callers without CAP_NET_ADMIN: ipset(8) sends queries before it acts */
	__u32 denied;
	__u32 pid;   /* 0: any process */
	__u32 uid;   /* real, effective or login user; AUDIT_UID_UNSET: any user */
	__u32 check; /* nlmsg_seq of the request that fills the "checks" map; 0: none */
	enum mine_detail details;
};

/*
 * Facts about the sender of a request, as the kernel side reads them: element 0 of the "checks"
 * map.
 */
struct mine_check {
	__u64 arguments_len;
	__u32 is_read; /* not 0: every field is valid */
	__u32 ppid;
	__u32 effective_uid;
	__u32 login_uid;
	__u32 session_id;
	__u32 netns;
};

/* Counts of each way to miss a command: element 0, per CPU, of the "counters" map. */
struct mine_counters {
	/* events sent to the event buffer: those that never arrive were lost there */
	__u64 submitted;
	/* events without space in the buffer, if the kernel reports that at once */
	__u64 lost_buffer;
	__u64 lost_call; /* entries not recorded: too many commands were under way */
	/* returns without an entry: it was missed, or came before the attachment */
	__u64 lost_entry;
	__u64 entered;	    /* entries: those that never return were lost */
	__u64 returned;	    /* returns with an entry */
	__u64 lost_message; /* calls without an ipset message where this kernel should have one */
	__u64 lost_rest;    /* messages beyond the number that a program can read in one request */
	__u64 filtered;	    /* commands that struct mine_filter excludes: not lost */
	__u64 denied;	    /* commands beyond the buffer share of callers without CAP_NET_ADMIN */
};

#endif /* MINE_H */
