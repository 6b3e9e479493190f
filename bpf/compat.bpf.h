/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where kernels differ, each difference behind a name that says what it does. */
#ifndef MINE_COMPAT_BPF_H
#define MINE_COMPAT_BPF_H

/*
 * The way to user space: the ring buffer came in 5.8 (457f44363a88), the perf buffer in 4.4.
 * 0 when the event is on its way.
 */
#ifdef MINE_LEGACY
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

static __always_inline long submit(void *ctx, struct mine_event *event, __u64 size)
{
	/*
	 * A full perf buffer is not an error here: the kernel counts it and says so in the buffer
	 * itself (PERF_RECORD_LOST), and did not report it to us before 5.3.
	 */
	long err = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, event, size);

	return err == -ENOSPC ? 0 : err;
}
#else
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* set before load, for the machine */
} events SEC(".maps");

static __always_inline long submit(__attribute__((unused)) void *ctx, struct mine_event *event,
				   __u64 size)
{
	return bpf_ringbuf_output(&events, event, size, 0);
}
#endif

/* task_struct has loginuid only where the kernel has CONFIG_AUDIT (AUDITSYSCALL before 4.20). */
static __always_inline __u32 current_login_uid(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (!bpf_core_field_exists(task->loginuid))
		return MINE_NO_LOGIN_UID;
	return BPF_CORE_READ(task, loginuid.val);
}

#endif /* MINE_COMPAT_BPF_H */
