// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Probes at entry and return of ipset's handlers, and a probe where nfnetlink refuses a message.
 * One pair of programs serves all handlers (ip_set_create, ip_set_uadd, ...).
 *
 * The probes are not on nfnetlink_rcv(), which calls all handlers. The handlers run under
 * nfnetlink's mutex, so few are ever under way. Any number of threads can wait for the mutex in
 * nfnetlink_rcv(), and any user can be root in a user namespace. They could use up the kernel's
 * limited number of return probes.
 */
#include "request.bpf.h"
#ifdef __TARGET_ARCH_arm64
/* Registers as bpf_tracing.h reads them: uapi/asm/ptrace.h, so it needs no relocation. */
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};
#endif
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EAGAIN 11

/* A handler under way in one thread. */
struct mine_call {
	__u64 message; /* address; 0 if none was found */
	struct net *net;
	struct sk_buff *request;
};

/* Keyed by bpf_get_current_pid_tgid(). A missed return leaves its entry behind. */
MAP(LRU_HASH, calls, __u64, struct mine_call, 4096);

/*
 * The arguments themselves show where the message is. The kernel version does not, because
 * distributions backport netfilter (RHEL 8's 4.18):
 *   since 5.13  (skb, const struct nfnl_info *info, attr), and info begins with { net, sk, nlh }
 *   before      (net, ctnl, skb, nlh, attr, extack)
 * In the old form the second argument is a struct sock. Its third word holds small integers
 * (family, state, flags) and never a kernel address, so the test for the new form is safe. struct
 * nfnl_info is read by offset: it is a type of the nfnetlink module, absent from vmlinux BTF.
 */
SEC("kprobe/ip_set_create")
int BPF_KPROBE(mine_enter, void *first, void *second, void *third, void *fourth)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call call = {};
	__u64 info[3] = {}; /* net, sk, nlh */

	bpf_probe_read_kernel(info, sizeof(info), second);
	if (is_ipset_message(info[2])) {
		call.request = first;
		call.net = (void *)info[0];
		call.message = info[2];
	} else if (is_ipset_message((__u64)fourth)) {
		call.request = third;
		call.net = first;
		call.message = (__u64)fourth;
	}
	/*
	 * Recorded even without a message, so that its return does not count as one without an
	 * entry.
	 */
	if (bpf_map_update_elem(&calls, &thread, &call, BPF_ANY))
		COUNT(lost_call);
	else
		COUNT(entered);
	return 0;
}

SEC("kretprobe/ip_set_create")
int BPF_KRETPROBE(mine_return, int result)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call *call = bpf_map_lookup_elem(&calls, &thread);
	struct mine_command command = { .result = result };
	struct sk_buff *request;

	if (!call) {
		COUNT(lost_entry);
		return 0;
	}
	command.message = call->message;
	command.net = call->net;
	request = call->request;
	bpf_map_delete_elem(&calls, &thread);
	COUNT(returned);
	if (!command.message)
		COUNT(lost_message);
	/*
	 * After -EAGAIN nfnetlink has loaded a module and replays the message: the command is not
	 * over.
	 */
	else if (command.result != -EAGAIN)
		report_handled(ctx, request, &command, 0);
	return 0;
}

SEC("kprobe/netlink_ack")
int BPF_KPROBE(mine_ack, struct sk_buff *request, void *message, int error, void *extack)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct mine_call *call = bpf_map_lookup_elem(&calls, &thread);
	struct mine_command command = { .message = (__u64)message, .result = error };
	struct nlmsghdr header = {};

	if (!call || call->message != command.message) {
		report_refusal(ctx, request, command.message, error, extack, 0);
	} else if (extack) {
		/*
		 * The handler's return was missed: more threads were in it than the kernel has
		 * return probes.
		 */
		command.net = call->net;
		bpf_map_delete_elem(&calls, &thread);
		COUNT(returned);
		bpf_probe_read_kernel(&header, sizeof(header), message);
		report(ctx, &command, &header, 0);
	}
	return 0;
}
