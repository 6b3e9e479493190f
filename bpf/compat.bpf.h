/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Differences between kernels, each behind a descriptive name. */
#ifndef MINE_COMPAT_BPF_H
#define MINE_COMPAT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "mine.h"

#ifndef MAP /* examples/bcc defines its own */
#define MAP(kind, name, key_type, value_type, entries)                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, entries);                                                      \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps")
#endif

/* Precedes a loop: kernels before 5.3 (2589726d12a1) reject loops that are not unrolled. */
#ifdef MINE_LEGACY
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif

/*
 * The event buffer: a ring buffer since 5.8 (457f44363a88), before that a perf buffer (4.4).
 * submit() returns 0 for a sent event.
 */
#ifdef MINE_LEGACY
MAP(PERF_EVENT_ARRAY, events, __u32, __u32, 0);

static __always_inline long submit(void *ctx, struct mine_event *event, __u64 size)
{
	/*
	 * Before 5.3 a full buffer is no error: the kernel instead writes PERF_RECORD_LOST into the
	 * buffer, before the next event that fits.
	 */
	return bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, event, size);
}
#else
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* set before load, to suit the machine */
} events SEC(".maps");

static __always_inline long submit(void *ctx, struct mine_event *event, __u64 size)
{
	return bpf_ringbuf_output(&events, event, size, 0);
}
#endif

/*
 * The filter is a constant where the kernel knows global data (5.2, d8eca5bbb2be). It is set before
 * the programs are loaded, so the verifier neither follows nor keeps a dead path.
 */
#ifdef MINE_LEGACY
#define FILTER const struct mine_filter

MAP(ARRAY, filters, __u32, struct mine_filter, 1);

static __always_inline FILTER *what_is_wanted(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&filters, &first);
}
#else
#define FILTER const volatile struct mine_filter

FILTER filter_constant = {}; /* the only variable in .rodata */

static __always_inline FILTER *what_is_wanted(void)
{
	return &filter_constant;
}
#endif

/* task_struct has these fields only with CONFIG_AUDIT (AUDITSYSCALL before 4.20). */
static __always_inline __u32 login_uid(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->loginuid))
		return AUDIT_UID_UNSET;
	return BPF_CORE_READ(task, loginuid.val);
}

static __always_inline __u32 session_id(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->sessionid))
		return AUDIT_UID_UNSET;
	return BPF_CORE_READ(task, sessionid);
}

/*
 * Before 5.5 (cf25e24db61c) the start had another name. Before 4.19 (2c4704756cab) a task kept its
 * struct pid in another field.
 */
struct task_struct___o {
	__u64 real_start_time;
	struct pid_link {
		struct pid *pid;
	} pids[1];
} __attribute__((preserve_access_index));

/* Returns the offset of a process's start by CLOCK_BOOTTIME; 0 if it is unknown. */
static __always_inline __u32 start_offset(void)
{
	struct task_struct *task = NULL;

	if (bpf_core_field_exists(task->start_boottime))
		return bpf_core_field_offset(struct task_struct, start_boottime);
	if (bpf_core_field_exists(((struct task_struct___o *)task)->real_start_time))
		return bpf_core_field_offset(struct task_struct___o, real_start_time);
	return 0;
}

/*
 * Before 5.5 (67c0496e87d1) the id was an inode number and a generation; stat(2) shows the inode
 * number.
 */
struct kernfs_node___o {
	union {
		struct {
			__u32 ino;
		};
	} id;
} __attribute__((preserve_access_index));

/* Since 6.15 (633488947ef6) the parent has the name with underscores. */
struct kernfs_node___x {
	const char *name;
	struct kernfs_node *parent;
	struct kernfs_node *__parent;
} __attribute__((preserve_access_index));

/*
 * Max hierarchies to look at. They are in the order of their creation: first the kernel's unified
 * one, then systemd's own. Before 5.2 a program has 4,096 instructions at most.
 */
#define HIERARCHIES_MAX 3
/* "systemd" and its NUL, little-endian. */
#define NAME_SYSTEMD 0x00646d6574737973

/*
 * Returns the cgroup in the hierarchy without controllers that systemd keeps on a host without the
 * unified one; NULL if there is none.
 */
static __always_inline struct cgroup *systemd_cgroup(struct css_set *set)
{
	struct cgrp_cset_link *link;
	struct list_head *at;

	if (!bpf_core_field_exists(set->cgrp_links))
		return NULL;
	at = BPF_CORE_READ(set, cgrp_links.next);
	UNROLL
	for (int i = 0; i < HIERARCHIES_MAX; i++) {
		struct cgroup_root *root;
		struct cgroup *cgroup;
		__u64 name = 0;

		if ((void *)at == (void *)set + bpf_core_field_offset(struct css_set, cgrp_links))
			return NULL;
		link = (void *)at - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
		cgroup = BPF_CORE_READ(link, cgrp);
		root = BPF_CORE_READ(cgroup, root);
		bpf_core_read(&name, sizeof(name), &root->name);
		if (name == NAME_SYSTEMD)
			return cgroup;
		at = BPF_CORE_READ(at, next);
	}
	return NULL;
}

/* Returns the directory of a task's cgroup; NULL if there is none. */
static __always_inline struct kernfs_node *cgroup_node(struct task_struct *task, bool is_unified)
{
	struct cgroup *cgroup;
	struct css_set *set;

	if (!bpf_core_field_exists(task->cgroups))
		return NULL;
	set = BPF_CORE_READ(task, cgroups);
	cgroup = is_unified ? BPF_CORE_READ(set, dfl_cgrp) : systemd_cgroup(set);
	return BPF_CORE_READ(cgroup, kn);
}

/*
 * Returns the inode number of the cgroup's directory, like bpf_get_current_cgroup_id(), which needs
 * 4.18.
 *
 * Each field has its own existence check. Before 4.19 (4f7b3e82589e) the verifier skips a branch
 * only where the constant equals the compared one. It follows the branch of an existing field; if
 * the other branch reads a missing field, it refuses the program.
 */
static __always_inline __u64 node_id(struct kernfs_node *node)
{
	if (bpf_core_field_exists(((struct kernfs_node___o *)node)->id.ino))
		return BPF_CORE_READ((struct kernfs_node___o *)node, id.ino);
	if (bpf_core_field_exists(node->id))
		return BPF_CORE_READ(node, id);
	return 0;
}

/* Returns the directory that holds another one; NULL for the root. */
static __always_inline struct kernfs_node *node_parent(struct kernfs_node *node)
{
	struct kernfs_node___x *named = (void *)node;

	if (bpf_core_field_exists(named->__parent))
		return BPF_CORE_READ(named, __parent);
	if (bpf_core_field_exists(named->parent))
		return BPF_CORE_READ(named, parent);
	return NULL;
}

/*
 * Returns the current task's process id in its own pid namespace, as struct scm_creds holds a
 * sender's.
 */
static __always_inline __u32 own_pid(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct pid *pid = NULL;
	__u64 number;
	__u32 nr = 0;

	if (bpf_core_field_exists(leader->thread_pid))
		pid = BPF_CORE_READ(leader, thread_pid);
	if (bpf_core_field_exists(((struct task_struct___o *)leader)->pids))
		pid = BPF_CORE_READ((struct task_struct___o *)leader, pids[0].pid);
	number = (__u64)pid + bpf_core_field_offset(struct pid, numbers);
	number += BPF_CORE_READ(pid, level) * bpf_core_type_size(struct upid);
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)number + bpf_core_field_offset(struct upid, nr));
	return nr;
}

#endif /* MINE_COMPAT_BPF_H */
