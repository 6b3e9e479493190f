// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The kernel side. Three ways to see an ipset command, the rungs of a ladder, in a file each; user space
 * loads the programs of one of them. All end in report(), and send the same event.
 *
 * A command is a netlink message, whatever it does, so no attribute is decoded here: the message goes to user
 * space as it is.
 *
 * Compiled twice. The modern object uses the ring buffer (Linux 5.8). The legacy object (MINE_LEGACY) must
 * pass the verifier of 4.15: no loops, no global data, no calls, helpers of that time, and every variable
 * length bounded in the very register that is used, because a spilled one loses its bounds.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "mine.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EPERM 1
#define EINTR 4
#define EAGAIN 11
#define NLMSG_ERROR 2
#define NFNL_SUBSYS_IPSET 6
#define MESSAGE_MIN 20 /* struct nlmsghdr and struct nfgenmsg: no ipset message is shorter */

#include "compat.bpf.h"
#include "event.bpf.h"
#include "call.bpf.h"
#include "kprobe.bpf.h"
#ifndef MINE_LEGACY
#include "fexit.bpf.h"
#endif
#include "send.bpf.h"
#include "answer.bpf.h"
#include "tracepoint.bpf.h"
