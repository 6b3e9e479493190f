// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * A probe where a handler of ipset is entered and one where it returns, and one where nfnetlink
 * refuses a message. One pair of programs serves all handlers (ip_set_create, ip_set_uadd, ...).
 *
 * The probes are on the handlers, and not on nfnetlink_rcv(), which calls them all: they run under
 * nfnetlink's mutex, so few are ever under way. In nfnetlink_rcv() any number of threads can wait
 * for it, of users who are root in a user namespace of their own; they would use up the return
 * probes that a kernel can follow.
 */
#include "request.bpf.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EAGAIN 11

/* A handler under way, in one thread. */
struct mine_call {
	__u64 message; /* its address; 0 when none was found */
	struct net *net;
	struct sk_buff *request;
};

/* By bpf_get_current_pid_tgid(). A missed return leaves its entry behind. */
MAP(LRU_HASH, calls, __u64, struct mine_call, 4096);

/*
 * The message is found by evidence, not by version, because distributions move netfilter on its own
 * (RHEL 8's 4.18):
 *   since 5.13  (skb, const struct nfnl_info *info, attr), and info begins with { net, sk, nlh }
 *   before      (net, ctnl, skb, nlh, attr, extack)
 * In the old form the second argument is a struct sock. Its third word is small integers (family,
 * state, flags), never a kernel address. So the check for the new form comes first.
 * struct nfnl_info is read by offset: it is a type of the nfnetlink module, absent from vmlinux
 * BTF.
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
	 * Recorded even when no message is found, so that its return is not taken for one without
	 * an entry.
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
		 * The handler has returned, and more threads were in it than the kernel follows to
		 * the return.
		 */
		command.net = call->net;
		bpf_map_delete_elem(&calls, &thread);
		COUNT(returned);
		bpf_probe_read_kernel(&header, sizeof(header), message);
		report(ctx, &command, &header, 0);
	}
	return 0;
}
