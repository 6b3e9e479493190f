#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The BCC reference for mine: prints the same line as reference.c for the same handlers.

It runs on the bench's kernels only: the handlers' arguments are those of Linux 5.13 and later.
"""

import pwd
import signal
import time

from bcc import BPF

PROGRAM = r"""
#include <uapi/linux/ptrace.h>
#include <linux/sched.h>

#define SET_NAME_MAX 32

struct event {
    u32 pid;
    u32 uid;
    int result;
    u32 command;
    char comm[TASK_COMM_LEN];
    char set[SET_NAME_MAX];
    char second[SET_NAME_MAX];
};

BPF_HASH(entries, u32, struct event, 1024);
BPF_PERF_OUTPUT(events);

static __always_inline void copy_name(char *name, u64 attributes, u32 which)
{
    u64 attribute = 0;

    bpf_probe_read_kernel(&attribute, sizeof(attribute), (void *)(attributes + which * 8));
    if (attribute)
        bpf_probe_read_kernel_str(name, SET_NAME_MAX, (void *)(attribute + 4));
}

static __always_inline int enter(struct pt_regs *ctx, u32 command)
{
    u64 ids = bpf_get_current_pid_tgid();
    u32 thread = ids;
    struct event event = {};

    event.pid = ids >> 32;
    event.uid = bpf_get_current_uid_gid();
    event.command = command;
    bpf_get_current_comm(event.comm, sizeof(event.comm));
    copy_name(event.set, PT_REGS_PARM3(ctx), 2);
    copy_name(event.second, PT_REGS_PARM3(ctx), 3);
    entries.update(&thread, &event);
    return 0;
}

int leave(struct pt_regs *ctx)
{
    u32 thread = bpf_get_current_pid_tgid();
    struct event *event = entries.lookup(&thread);

    if (!event)
        return 0;
    event->result = PT_REGS_RC(ctx);
    events.perf_submit(ctx, event, sizeof(*event));
    entries.delete(&thread);
    return 0;
}
"""

COMMANDS = {
    "create": "CREATE",
    "destroy": "DESTROY",
    "flush": "FLUSH",
    "rename": "RENAME",
    "swap": "SWAP",
    "dump": "LIST",
    "utest": "TEST",
    "uadd": "ADD",
    "udel": "DEL",
}


def entry_program(number, handler):
    return f"int enter_{handler}(struct pt_regs *ctx) {{ return enter(ctx, {number}); }}\n"


bpf = BPF(text=PROGRAM + "".join(entry_program(*numbered) for numbered in enumerate(COMMANDS)))
for handler in COMMANDS:
    bpf.attach_kprobe(event=f"ip_set_{handler}", fn_name=f"enter_{handler}")
    bpf.attach_kretprobe(event=f"ip_set_{handler}", fn_name="leave")
names = list(COMMANDS.values())


def text(name):
    return name.decode(errors="backslashreplace")


def print_event(_cpu, data, _size):
    event = bpf["events"].event(data)
    stamp = time.strftime("%Y/%m/%d_%H:%M")
    user = pwd.getpwuid(event.uid).pw_name
    print(
        f"({stamp}) {text(event.comm)} (pid: {event.pid}) (username: {user} - uid: {event.uid}) - "
        f"{names[event.command]} {text(event.set)} {text(event.second)} - {event.result}",
        flush=True,
    )


bpf["events"].open_perf_buffer(print_event)
signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    while True:
        bpf.perf_buffer_poll()
except KeyboardInterrupt:
    pass
