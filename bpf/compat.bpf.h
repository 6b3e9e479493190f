/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where kernels differ, each difference behind a name that says what it does. */
#ifndef MINE_COMPAT_BPF_H
#define MINE_COMPAT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "mine.h"

#ifndef MAP /* examples/bcc has its own */
#define MAP(kind, name, key_type, value_type, entries)                                             \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_##kind);                                                 \
		__uint(max_entries, entries);                                                      \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} name SEC(".maps")
#endif

/* Before a loop: 5.3 (2589726d12a1) was the first to take one as it is. */
#ifdef MINE_LEGACY
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif

/*
 * The way to user space: the ring buffer came in 5.8 (457f44363a88), the perf buffer in 4.4.
 * 0 when the event is on its way.
 */
#ifdef MINE_LEGACY
MAP(PERF_EVENT_ARRAY, events, __u32, __u32, 0);

static __always_inline long submit(void *ctx, struct mine_event *event, __u64 size)
{
	/*
	 * Before 5.3 a full buffer is no error: the kernel then says so in the buffer itself
	 * (PERF_RECORD_LOST), in front of the next event that finds room.
	 */
	return bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, event, size);
}
#else
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* set before load, for the machine */
} events SEC(".maps");

static __always_inline long submit(void *ctx, struct mine_event *event, __u64 size)
{
	return bpf_ringbuf_output(&events, event, size, 0);
}
#endif

/*
 * The filter is a constant where the kernel knows global data (5.2, d8eca5bbb2be): set before the
 * programs are loaded, so that the verifier follows no path that will not be taken, and leaves it
 * out.
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

FILTER filter_constant = {}; /* all that there is in .rodata */

static __always_inline FILTER *what_is_wanted(void)
{
	return &filter_constant;
}
#endif

/* task_struct has these only where the kernel has CONFIG_AUDIT (AUDITSYSCALL before 4.20). */
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

/* Before 5.5 (67c0496e87d1) the id was an inode number and a generation; stat(2) shows the former.
 */
struct kernfs_node___o {
	union {
		struct {
			__u32 ino;
		};
	} id;
} __attribute__((preserve_access_index));

/*
 * The inode number of the cgroup's directory: bpf_get_current_cgroup_id(), which came in 4.18,
 * without it.
 *
 * Each field is guarded by its own existence. Before 4.19 (4f7b3e82589e) the verifier skips a side
 * of a branch only where the constant equals the one that it is compared with; it walks into the
 * side of a field that exists and, if that other side reads a field that does not, refuses the
 * program.
 */
static __always_inline __u64 cgroup_id(struct task_struct *task)
{
	struct kernfs_node *node;

	if (!bpf_core_field_exists(task->cgroups))
		return 0;
	node = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	if (bpf_core_field_exists(((struct kernfs_node___o *)node)->id.ino))
		return BPF_CORE_READ((struct kernfs_node___o *)node, id.ino);
	if (bpf_core_field_exists(node->id))
		return BPF_CORE_READ(node, id);
	return 0;
}

/* Before 4.19 (2c4704756cab) a task had its struct pid elsewhere. */
struct task_struct___o {
	struct pid_link {
		struct pid *pid;
	} pids[1];
} __attribute__((preserve_access_index));

/*
 * @return the process id of the current task in its own pid namespace: what struct scm_creds has of
 * a sender
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
