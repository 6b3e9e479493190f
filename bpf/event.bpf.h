/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Turns a command into an event with the caller's credentials, host context and message; filters
 * and counts it.
 */
#ifndef MINE_EVENT_BPF_H
#define MINE_EVENT_BPF_H

#include "compat.bpf.h"

#define EPERM 1

/*
 * Buffers for events: the stack is too small. Backend fexit needs two, because its programs can be
 * preempted.
 */
MAP(PERCPU_ARRAY, scratch, __u32, struct mine_event, 1);

MAP(PERCPU_ARRAY, counters, __u32, struct mine_counters, 1);

static __always_inline struct mine_counters *find_counters(__u32 *key)
{
	return bpf_map_lookup_elem(&counters, key);
}

#define COUNT(what) COUNT_MANY(what, 1)

#define COUNT_MANY(what, many)                                                                     \
	({                                                                                         \
		__u32 first = 0;                                                                   \
		struct mine_counters *here = find_counters(&first);                                \
		if (here)                                                                          \
			here->what += (many);                                                      \
	})

/* A command, and the kernel's answer to it. */
struct mine_command {
	__u64 message; /* address of its struct nlmsghdr in kernel memory */
	struct net *net;
	__s32 result;
	__s32 answer;
	__u32 flags; /* enum mine_flag */
	__u32 reply_len;
	const void *reply;	  /* address in kernel memory, valid with the answer */
	struct scm_creds *sender; /* valid with MINE_BY_READER */
};

/*
 * Returns min(VALUE, constant MOST) in a register with bounds that the verifier knows. It is
 * assembly because the compiler may compare one copy of the value and use another.
 */
#define AT_MOST(value, most)                                                                       \
	({                                                                                         \
		__u64 bounded = (value);                                                           \
		asm volatile("if %0 > %1 goto +1\n\t"                                              \
			     "goto +1\n\t"                                                         \
			     "%0 = %1"                                                             \
			     : "+r"(bounded)                                                       \
			     : "i"(most));                                                         \
		bounded;                                                                           \
	})

/*
 * Returns the size of a read: LENGTH, which has bounds, or 1 in place of 0. Before 4.15
 * (9c019e2bc4b2) the helpers refuse a size that may be 0. The caller forgets the one byte.
 */
#define READ_SIZE(length)                                                                          \
	({                                                                                         \
		__u64 size = (length);                                                             \
		asm volatile("if %0 >= 1 goto +1\n\t"                                              \
			     "%0 = 1"                                                              \
			     : "+r"(size));                                                        \
		size;                                                                              \
	})

/*
 * Share of the event buffer for callers without CAP_NET_ADMIN. They can send without limit, and
 * must not displace the events of privileged callers.
 */
#define DENIED_WINDOW_NS 100000000ULL
#define DENIED_MAX	 256

struct mine_share {
	__u64 begin_ns; /* start of the window */
	__u64 count;	/* events in the window */
};

MAP(ARRAY, shares, __u32, struct mine_share, 1);

/* CPUs race on the counter: a few events more or less are acceptable. */
static __always_inline bool is_within_share(void)
{
	__u32 first = 0;
	struct mine_share *share = bpf_map_lookup_elem(&shares, &first);
	__u64 now = bpf_ktime_get_ns();

	if (!share)
		return false;
	if (now - share->begin_ns > DENIED_WINDOW_NS) {
		share->begin_ns = now;
		share->count = 0;
	}
	if (share->count >= DENIED_MAX)
		return false;
	share->count++;
	return true;
}

static __always_inline bool is_denied(const struct mine_event *event)
{
	return event->flags & MINE_REFUSED && event->result == -EPERM;
}

/*
 * Not every handler is probed. netlink_ack() also reports errors of the other handlers; this drops
 * them.
 */
static __always_inline bool is_command_wanted(FILTER *filter, const struct mine_event *event,
					      __u16 message_type)
{
	__u32 commands = filter->commands;

	if (is_denied(event))
		commands |= filter->denied;
	return commands >> (message_type & 31) & 1;
}

static __always_inline bool is_caller_wanted(FILTER *filter, const struct mine_event *event)
{
	if (filter->pid && filter->pid != event->pid)
		return false;
	return filter->uid == AUDIT_UID_UNSET || filter->uid == event->uid ||
	       filter->uid == event->effective_uid || filter->uid == event->login_uid;
}

/* Fills in the credentials of the current thread, which is the caller. */
static __always_inline void fill_who(struct mine_event *event, struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 ids = bpf_get_current_uid_gid();

	event->pid = thread >> 32;
	event->tid = thread;
	event->uid = ids;
	event->gid = ids >> 32;
	event->effective_uid = BPF_CORE_READ(cred, euid.val);
	event->effective_gid = BPF_CORE_READ(cred, egid.val);
	event->login_uid = login_uid(task);
	bpf_get_current_comm(event->comm, sizeof(event->comm));
}

/*
 * Fills in the ids of a sender in another process: the socket buffer holds nothing else about it.
 */
static __always_inline void fill_sender(struct mine_event *event, struct scm_creds *sender)
{
	event->pid = BPF_CORE_READ(sender, pid);
	event->uid = event->effective_uid = BPF_CORE_READ(sender, uid.val);
	event->gid = event->effective_gid = BPF_CORE_READ(sender, gid.val);
	event->login_uid = AUDIT_UID_UNSET;
}

static __always_inline void fill_details(struct mine_event *event, struct task_struct *task,
					 struct kernfs_node *cgroup)
{
	event->ppid = BPF_CORE_READ(task, real_parent, tgid);
	event->session_id = session_id(task);
	event->cgroup_id = node_id(cgroup);
}

/*
 * Returns the offset of the free space in event->data. The barrier makes the compiler read the
 * lengths from memory, whose contents the verifier does not track: it would follow one path for
 * each length in a register.
 */
static __always_inline __u64 data_end(const struct mine_event *event)
{
	barrier();
	return (__u64)event->captured_len + event->arguments_captured + event->executable_len +
	       event->cgroup_len + event->ancestors_len + event->reply_len;
}

static __always_inline void copy_arguments(struct mine_event *event, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	__u64 start, length, at;

	if (!mm)
		return;
	start = BPF_CORE_READ(mm, arg_start);
	length = BPF_CORE_READ(mm, arg_end) - start;
	event->arguments_len = length;
	at = AT_MOST(data_end(event), MINE_MESSAGE_MAX);
	length = AT_MOST(length, MINE_ARGUMENTS_MAX);
	/* Fails when the caller's arguments are paged out; then none are reported. */
	if (!bpf_probe_read_user(event->data + at, READ_SIZE(length), (void *)start))
		event->arguments_captured = length;
}

#ifdef MINE_LEGACY
/*
 * The verifier of 4.15 cannot follow the unrolled walks below: it loses the bounds of spilled
 * registers.
 */
static __always_inline void copy_executable(struct mine_event *event, struct task_struct *task)
{
}

static __always_inline void copy_cgroup(struct mine_event *event, struct kernfs_node *node)
{
}
#else
/* Max names and mount points between an executable and the root. */
#define PATH_DEPTH 20

/*
 * Copies the executable's path, from the file through mount points up to the root of its mount
 * namespace. It equals /proc/PID/exe, but comes from kernel structures: the caller may exit before
 * user space can read /proc.
 */
static __always_inline void copy_executable(struct mine_event *event, struct task_struct *task)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry), *root, *parent;
	struct vfsmount *vfsmount = BPF_CORE_READ(file, f_path.mnt);
	struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt),
		     *mount_parent;
	__u64 at;
	long length;

	if (!dentry)
		return;
	root = BPF_CORE_READ(vfsmount, mnt_root);
#pragma unroll
	for (int step = 0; step < PATH_DEPTH; step++) {
		if (dentry == root) {
			mount_parent = BPF_CORE_READ(mount, mnt_parent);
			if (mount_parent == mount)
				return;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			root = BPF_CORE_READ(mount_parent, mnt.mnt_root);
			mount = mount_parent;
			continue;
		}
		at = AT_MOST(data_end(event),
			     MINE_MESSAGE_MAX + MINE_ARGUMENTS_MAX + MINE_EXECUTABLE_MAX);
		length = bpf_probe_read_kernel_str(event->data + at, MINE_NAME_MAX,
						   BPF_CORE_READ(dentry, d_name.name));
		if (length <= 0)
			return;
		event->executable_len += length;
		parent = BPF_CORE_READ(dentry, d_parent);
		/* A file in no directory: memfd_create(2). */
		if (parent == dentry)
			return;
		dentry = parent;
		if (event->executable_len > MINE_EXECUTABLE_MAX)
			break;
	}
	event->flags |= MINE_EXECUTABLE_CUT;
}

/* Max names in the path of a cgroup. */
#define CGROUP_DEPTH 16

/*
 * Copies the path of a cgroup up to the root of its hierarchy. A service or a container that ends
 * takes its cgroup with it, often before user space can search for the id.
 */
static __always_inline void copy_cgroup(struct mine_event *event, struct kernfs_node *node)
{
	struct kernfs_node *parent;
	__u64 at;
	long length;

	for (int step = 0; step < CGROUP_DEPTH; step++) {
		parent = node_parent(node);
		if (!parent)
			return;
		at = AT_MOST(data_end(event), MINE_MESSAGE_MAX + MINE_ARGUMENTS_MAX +
						      MINE_EXECUTABLE_MAX + MINE_NAME_MAX +
						      MINE_CGROUP_MAX);
		length = bpf_probe_read_kernel_str(
			event->data + at, MINE_NAME_MAX,
			BPF_CORE_READ((struct kernfs_node___x *)node, name));
		if (length <= 0)
			break;
		event->cgroup_len += length;
		if (event->cgroup_len > MINE_CGROUP_MAX)
			break;
		node = parent;
	}
	/* User space searches for the id: a part of a path would name another cgroup. */
	event->cgroup_len = 0;
}
#endif

/* Appends the processes that started the caller, from its parent up to the first of the host. */
static __always_inline void copy_ancestors(struct mine_event *event, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	__u64 begin = data_end(event), at;
	__u32 start = start_offset();
	struct mine_ancestor *ancestor;
	__u32 pid;

	if (start)
		bpf_probe_read_kernel(&event->start_ns, sizeof(event->start_ns),
				      (void *)leader + start);
	UNROLL
	for (int i = 0; i < MINE_ANCESTORS_MAX; i++) {
		/* A thread other than the first may have started the process. */
		leader = BPF_CORE_READ(leader, real_parent, group_leader);
		pid = BPF_CORE_READ(leader, tgid);
		if (!pid)
			return;
		at = AT_MOST(begin + i * sizeof(*ancestor),
			     MINE_DATA_MAX - MINE_REPLY_MAX - sizeof(*ancestor));
		ancestor = (void *)event->data + at;
		__builtin_memset(ancestor, 0, sizeof(*ancestor));
		ancestor->pid = pid;
		if (start)
			bpf_probe_read_kernel(&ancestor->start_ns, sizeof(ancestor->start_ns),
					      (void *)leader + start);
		if (bpf_core_field_exists(leader->comm))
			bpf_core_read(ancestor->comm, sizeof(ancestor->comm), &leader->comm);
		event->ancestors_len = (i + 1) * sizeof(*ancestor);
	}
}

static __always_inline void copy_reply(struct mine_event *event, const struct mine_command *command)
{
	__u64 length, at;

	if (!command->answer)
		return;
	at = AT_MOST(data_end(event), MINE_DATA_MAX - MINE_REPLY_MAX);
	length = AT_MOST(command->reply_len, MINE_REPLY_MAX);
	if (!bpf_probe_read_kernel(event->data + at, READ_SIZE(length), command->reply))
		event->reply_len = length;
}

/* Fills in the event's header. Returns whether the command is wanted. */
static __always_inline bool begin_event(struct mine_event *event,
					const struct mine_command *command,
					const struct nlmsghdr *message)
{
	struct net *net = command->net; /* inside BPF_CORE_READ() it would be relocated as well */
	FILTER *filter = what_is_wanted();

	if (!filter)
		return false;
	__builtin_memset(event, 0, __builtin_offsetof(struct mine_event, data));
	event->ts_ns = bpf_ktime_get_ns();
	event->flags = command->flags;
	event->result = command->result;
	event->answer = command->answer;
	event->session_id = AUDIT_UID_UNSET;
	/* Not counted: some backends never see an unwanted command. */
	if (!is_command_wanted(filter, event, message->nlmsg_type))
		return false;
	if (command->flags & MINE_BY_READER)
		fill_sender(event, command->sender);
	else
		fill_who(event, (void *)bpf_get_current_task());
	if (!is_caller_wanted(filter, event)) {
		COUNT(filtered);
		return false;
	}
	if (is_denied(event) && !is_within_share()) {
		COUNT(denied);
		return false;
	}
	event->netns = BPF_CORE_READ(net, ns.inum);
	event->message_len = message->nlmsg_len;
	return true;
}

/* Appends the details and the reply to the captured message, and sends the event. */
static __always_inline void end_event(void *ctx, struct mine_event *event,
				      const struct mine_command *command)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	FILTER *filter = what_is_wanted();
	struct kernfs_node *cgroup;

	if (filter && filter->details & MINE_CALLER && !(command->flags & MINE_BY_READER)) {
		cgroup = cgroup_node(task, !(filter->details & MINE_SYSTEMD_CGROUP));
		fill_details(event, task, cgroup);
		copy_arguments(event, task);
		/* Missing where user space has found the offsets: it does not search for this one. */
		if (bpf_core_field_exists(task->mm->exe_file))
			copy_executable(event, task);
		copy_cgroup(event, cgroup);
	}
	if (filter && filter->details & MINE_ANCESTRY && !(command->flags & MINE_BY_READER))
		copy_ancestors(event, task);
	copy_reply(event, command);
	COUNT(submitted);
	if (submit(ctx, event,
		   AT_MOST(__builtin_offsetof(struct mine_event, data) + data_end(event),
			   sizeof(*event))))
		COUNT(lost_buffer);
}

/*
 * Reports a command.
 * @header: header of its message
 * @slot: index into the scratch map, which no other program uses at the same time on this CPU
 */
static __always_inline void report(void *ctx, const struct mine_command *command,
				   const struct nlmsghdr *header, __u32 slot)
{
	struct mine_event *event = bpf_map_lookup_elem(&scratch, &slot);
	__u64 captured;

	if (!event)
		return;
	if (!begin_event(event, command, header))
		return;
	captured = header->nlmsg_len;
	if (is_denied(event) && captured > MINE_DENIED_MAX)
		captured = MINE_DENIED_MAX;
	captured = AT_MOST(captured, MINE_MESSAGE_MAX);
	if (bpf_probe_read_kernel(event->data, READ_SIZE(captured), (void *)command->message)) {
		COUNT(lost_message);
		return;
	}
	event->captured_len = captured;
	end_event(ctx, event, command);
}

#endif /* MINE_EVENT_BPF_H */
