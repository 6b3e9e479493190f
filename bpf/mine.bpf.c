// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The kernel side: one probe where an ipset handler is entered, one where it returns.
 *
 * All handlers (ip_set_create, ip_set_uadd, ...) receive the same thing, a netlink message, so one pair
 * of programs serves them all and no attribute is decoded here: the message goes to user space as it is.
 *
 * Compiled twice. The modern object uses the ring buffer (Linux 5.8). The legacy object (MINE_LEGACY)
 * must pass the verifier of 4.15: no loops, no global data, no calls, helpers of that time, and every
 * variable length bounded in the very register that is used.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "mine.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EAGAIN 11
#define ENOSPC 28
#define NFNL_SUBSYS_IPSET 6
#define MESSAGE_MIN 20 /* struct nlmsghdr and struct nfgenmsg: no ipset message is shorter */

#include "compat.bpf.h"

/* Commands under way: thread -> address of its message. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} calls SEC(".maps");

/* Where an event is put together; far too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mine_event);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MINE_COUNTERS);
	__type(key, enum mine_counter);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(enum mine_counter which)
{
	__u64 *counter = bpf_map_lookup_elem(&counters, &which);

	if (counter)
		(*counter)++;
}

/*
 * Is this the address of an ipset message? A user-space address is refused first: on a kernel where the
 * argument is something else, its owner could have put a message of his own there.
 */
static __always_inline bool is_ipset_message(__u64 address)
{
	struct nlmsghdr header;

	if ((__s64)address >= 0)
		return false;
	if (bpf_probe_read_kernel(&header, sizeof(header), (void *)address))
		return false;
	return header.nlmsg_type >> 8 == NFNL_SUBSYS_IPSET && header.nlmsg_len >= MESSAGE_MIN;
}

/*
 * The message is found by evidence, not by version, because distributions move netfilter on its own
 * (RHEL 8's 4.18):
 *   since 5.13  (skb, const struct nfnl_info *info, attr), and info begins with { net, sk, nlh }
 *   before      (net, ctnl, skb, nlh, attr, extack)
 * In the old form the second argument is a struct sock, whose third word is small integers (family,
 * state, flags) and never a kernel address, so asking for the new form first cannot err.
 * struct nfnl_info is read by offset: it is a type of the nfnetlink module, absent from vmlinux BTF.
 */
static __always_inline __u64 find_message(struct pt_regs *ctx)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), (void *)(PT_REGS_PARM2(ctx) + 16));
	if (is_ipset_message(address))
		return address;
	address = PT_REGS_PARM4(ctx);
	if (is_ipset_message(address))
		return address;
	return 0;
}

SEC("kprobe")
int mine_enter(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 message = find_message(ctx);

	/* Recorded even when 0, so that its return is not taken for one without an entry. */
	if (bpf_map_update_elem(&calls, &thread, &message, BPF_ANY))
		count(MINE_LOST_CALL);
	return 0;
}

SEC("kretprobe")
int mine_return(struct pt_regs *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	__u64 *call = bpf_map_lookup_elem(&calls, &thread);
	int result = PT_REGS_RC(ctx);
	struct mine_event *event;
	__u32 zero = 0, message_len = 0;
	__u64 message, len;

	if (!call) {
		count(MINE_LOST_ENTRY);
		return 0;
	}
	message = *call;
	bpf_map_delete_elem(&calls, &thread);
	/* nfnetlink loads a module and replays the message: the command is not over. */
	if (result == -EAGAIN)
		return 0;
	if (!message) {
		count(MINE_LOST_MESSAGE);
		return 0;
	}
	event = bpf_map_lookup_elem(&scratch, &zero);
	if (!event)
		return 0;

	__builtin_memset(event, 0, __builtin_offsetof(struct mine_event, message));
	event->ts_ns = bpf_ktime_get_ns();
	event->pid = thread >> 32;
	event->tid = thread;
	event->uid = bpf_get_current_uid_gid();
	event->login_uid = current_login_uid();
	event->result = result;
	bpf_get_current_comm(event->comm, sizeof(event->comm));

	/* nlmsg_len is the first word of the message, in netlink's UAPI. */
	bpf_probe_read_kernel(&message_len, sizeof(message_len), (void *)message);
	event->message_len = message_len;
	len = message_len;
	if (len > MINE_MESSAGE_MAX)
		len = MINE_MESSAGE_MAX;
	barrier_var(len);
	event->captured_len = len;
	if (bpf_probe_read_kernel(event->message, len, (void *)message)) {
		count(MINE_LOST_MESSAGE);
		return 0;
	}
	if (submit(ctx, event, __builtin_offsetof(struct mine_event, message) + len))
		count(MINE_LOST_BUFFER);
	return 0;
}
