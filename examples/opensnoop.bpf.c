// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Reports each openat(2): the process, the file, and the kernel's answer. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct event {
	__u32 pid;
	__s32 result; /* a file descriptor, or -errno */
	char comm[16];
	char path[256];
};
const struct event *unused __attribute__((unused)); /* adds the struct to the skeleton */

const volatile __u32 target = 0; /* pid of the only process to report; 0: all */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64);	     /* thread */
	__type(value, const char *); /* path, in the memory of the process */
} paths SEC(".maps");

/* The fields that this program reads. CO-RE finds them in the running kernel. */
struct trace_event_raw_sys_enter {
	unsigned long args[6];
} __attribute__((preserve_access_index));
struct trace_event_raw_sys_exit {
	long ret;
} __attribute__((preserve_access_index));

SEC("tracepoint/syscalls/sys_enter_openat")
int enter(struct trace_event_raw_sys_enter *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	const char *path = (const char *)ctx->args[1];

	if (!target || target == thread >> 32)
		bpf_map_update_elem(&paths, &thread, &path, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int leave(struct trace_event_raw_sys_exit *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	const char **path = bpf_map_lookup_elem(&paths, &thread);
	struct event *event;

	if (!path)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->pid = thread >> 32;
		event->result = ctx->ret;
		bpf_get_current_comm(event->comm, sizeof(event->comm));
		bpf_probe_read_user_str(event->path, sizeof(event->path), *path);
		bpf_ringbuf_submit(event, 0);
	}
	bpf_map_delete_elem(&paths, &thread);
	return 0;
}
