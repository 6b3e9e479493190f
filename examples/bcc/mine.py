#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Audits ipset like mine -o text, on a host with BCC and kernel headers but without BTF.

BCC compiles bpf/kprobe.bpf.c, the source that mine embeds, against the headers of the running kernel.
README.md describes how to run this program, and lists the lines that differ from those of mine.
"""

import contextlib
import ctypes
import errno
import os
import pathlib
import pwd
import re
import signal
import sys
import time

from bcc import BPF
from ipset_text import COMMANDS, IPSET_ERR_EXIST, SHOWN_BYTES, Message, describe_error, word

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE.parent.parent / "bpf"
HANDLERS = ("create", "destroy", "flush", "rename", "swap", "dump", "uadd", "udel", "utest")
HANDSHAKE = ("PROTOCOL", "HEADER", "TYPE", "GET_BYNAME", "GET_BYINDEX")
REFUSED = int(re.search(r"MINE_REFUSED = (\d+)", (SOURCES / "mine.h").read_text())[1])
ALL_COMMANDS = AUDIT_UID_UNSET = 0xFFFFFFFF
BUFFER_PAGES = 256  # 1 MiB for each CPU: an event has up to 22 KiB
POLL_MS = 100
TYPES_MAX = 65536
OWN_NETNS = os.stat("/proc/self/ns/net").st_ino


def read_source(path):
    """Returns the text of a source with its headers inserted, because BCC rewrites only the main file."""

    def read_header(include):
        header = SOURCES / include[1]
        return read_source(header if header.exists() else HERE / include[1])

    return re.sub(r'#include "(.*)"\n', read_header, re.sub(r"#include <bpf/.*>\n", "", path.read_text()))


def in_bcc_syntax(text):
    """Replaces libbpf's map calls with BCC's. A macro cannot do this: BCC rewrites no map call in a macro."""
    text = re.sub(r"bpf_map_(\w+)_elem\(&(\w+), (.*?)(?:, BPF_ANY)?\)", r"\2.\1(\3)", text)
    return text.replace("bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, ", "events.perf_submit(ctx, ")


set_types = {}  # by network namespace and name; only CREATE has the type, and some errors depend on it


def learn(netns, message):
    """Updates the types of sets after a successful command."""
    key, second = (netns, message.name), (netns, message.second)
    if message.command == "CREATE":
        if len(set_types) >= TYPES_MAX:
            set_types.clear()
        set_types[key] = message.second or b""
    elif message.command == "RENAME":
        set_types[second] = set_types.pop(key, b"")
    elif message.command == "SWAP":
        set_types[key], set_types[second] = set_types.get(second, b""), set_types.get(key, b"")
    elif message.command == "DESTROY":
        for known in [key] if message.name else list(set_types):
            if known[0] == netns:
                set_types.pop(known, None)


def write_caller(event):
    uid = event.uid if event.login_uid == AUDIT_UID_UNSET else event.login_uid
    try:
        user = word(os.fsencode(pwd.getpwuid(uid).pw_name))
    except KeyError:
        user = "<unknown>"
    caller = f"{word(event.comm)} (pid: {event.pid}) (username: {user} - uid: {uid}"
    if event.effective_uid != event.uid:
        caller += f" - effective uid: {event.effective_uid}"
    if event.effective_gid != event.gid:
        caller += f" - effective gid: {event.effective_gid}"
    return caller + (")" if event.netns == OWN_NETNS else f") (netns: {event.netns})")


def write_message(event, message):
    if message.is_malformed:
        rest = len(message.data) - SHOWN_BYTES
        shown = message.data[:SHOWN_BYTES].hex() + (f" +{rest} bytes" if rest > 0 else "")
        return f"{message.command} <malformed: {shown}>"
    if message.is_whole:
        return message.text
    return f"{message.text} <truncated: {event.captured_len} of {event.message_len} bytes>"


def write_result(event, message, reply):
    # The error in the handler's own answer is more exact than the -EINTR that it then returned.
    result = event.answer or event.result
    if result == 0:
        return "SUCCESS (in set)" if message.command == "TEST" else "SUCCESS"
    if result == -errno.EINTR and message.command in ("LIST", "SAVE"):
        return "SUCCESS"  # the dump has begun
    if -result == IPSET_ERR_EXIST and message.command == "TEST":
        return "SUCCESS (not in set)"
    if result == -errno.EINTR and message.command in ("ADD", "DEL"):
        sentence = "A line of the batch failed"
    else:
        known = message.second if message.command == "CREATE" else set_types.get((event.netns, message.name))
        sentence = describe_error(message.command_number, -result, known or b"")
    return f"ERROR ({write_effect(event, message, reply, sentence, result)})"


def write_effect(event, message, reply, sentence, result):
    """Names the failed element of several: the kernel returns its line of `ipset restore`."""
    count = len(message.elements)
    lines = [element.line for element in message.elements]
    if reply and reply.line is not None and lines.count(reply.line) == 1:
        failed = lines.index(reply.line)
        if count == 1:
            return sentence
        sentence = f"{message.elements[failed].text}: {sentence}"
        effect = f"; {failed} {'element' if failed == 1 else 'elements'} took effect"
    else:
        has_begun = not event.flags & REFUSED and result != -errno.ENOENT
        is_known = count <= 1 and message.is_whole or not has_begun or not message.has_elements
        effect = "" if is_known else "; elements before the failed one may have taken effect"
    return sentence + (effect if message.command in ("ADD", "DEL") else "")


def write_line(event, offset_ns):
    data = bytes(event.data)
    end = event.captured_len + event.arguments_captured + event.executable_len
    is_denied = event.flags & REFUSED and event.result == -errno.EPERM
    message = Message(data[: event.captured_len], event.captured_len == event.message_len, is_denied)
    reply = Message(data[end : end + event.reply_len], False, True) if event.reply_len else None
    result = write_result(event, message, reply)
    if result == "SUCCESS":
        learn(event.netns, message)
    stamp = time.strftime("%Y/%m/%d_%H:%M", time.localtime((event.ts_ns + offset_ns) // 10**9))
    return f"({stamp}) {write_caller(event)} - {write_message(event, message)} - {result}"


@contextlib.contextmanager
def explained(what, hint):
    """Ends the program with a hint if BCC raises an exception."""
    try:
        yield
    except Exception as error:  # BCC has no exception class of its own
        sys.exit(f"error: cannot {what}: {error}\n       {hint}")


def main():
    with explained("compile the BPF programs", "Run as root. Install linux-headers-$(uname -r)."):
        bpf = BPF(
            text=in_bcc_syntax(read_source(SOURCES / "kprobe.bpf.c")),
            cflags=["-DMINE_LEGACY", "-Wno-macro-redefined", "-Wno-int-conversion"],
        )
    filters = bpf["filters"]
    wanted = sum(1 << number for number, command in enumerate(COMMANDS) if command not in HANDSHAKE)
    filters[0] = filters.Leaf(commands=wanted, denied=ALL_COMMANDS, uid=AUDIT_UID_UNSET)
    # The layout comes from the compiled struct mine_event.
    event_type = bpf["scratch"].Leaf._type_
    pending = []
    received = 0

    def receive(_cpu, data, size):
        nonlocal received
        received += 1
        record = ctypes.string_at(data, size).ljust(ctypes.sizeof(event_type))
        pending.append(event_type.from_buffer_copy(record))

    def write_until(end_ns):
        """Writes events up to a time, sorted, because each CPU has a buffer of its own."""
        pending.sort(key=lambda event: event.ts_ns)
        offset_ns = time.time_ns() - time.monotonic_ns()
        while pending and pending[0].ts_ns < end_ns:
            print(write_line(pending.pop(0), offset_ns), flush=True)

    with explained("attach the BPF programs", "Run as root. Load ip_set: modprobe ip_set"):
        for handler in HANDLERS:
            bpf.attach_kprobe(event=f"ip_set_{handler}", fn_name="mine_enter")
            bpf.attach_kretprobe(event=f"ip_set_{handler}", fn_name="mine_return")
        bpf.attach_kprobe(event="netlink_ack", fn_name="mine_ack")
    bpf["events"].open_perf_buffer(receive, page_cnt=BUFFER_PAGES)
    sys.stdout.reconfigure(encoding="utf-8")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        print("Tracing... Hit Ctrl-C to end.", file=sys.stderr, flush=True)
        while True:
            start_ns = time.monotonic_ns()
            bpf.perf_buffer_poll(timeout=POLL_MS)
            write_until(start_ns)
    except KeyboardInterrupt:
        bpf.perf_buffer_poll(timeout=0)
        write_until(time.monotonic_ns())
    cpus = bpf["counters"][0]
    counts = {name: sum(getattr(cpu, name) for cpu in cpus) for name, _ in cpus[0]._fields_}
    lost = counts["submitted"] - received
    lost += counts["lost_call"] + counts["lost_entry"] + counts["lost_message"]
    print(f"{received} events seen, {lost} lost", file=sys.stderr)


main()
