# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Sends ipset messages in every way that a program can, in this network namespace.

Each way uses sets of its own. Writes as JSON which commands were sent, and what the kernel answered.
"""
import contextlib
import ctypes
import errno
import json
import os
import socket
import struct
import sys
import threading
import time

NETLINK_NETFILTER = 12
CREATE, DESTROY = 2, 3
IPSET, CONNTRACK = 6, 1
REQUEST, ACK, EXCL = 0x1, 0x4, 0x200
NLMSG_ERROR = 2
BATCH_BEGIN = 0x10
ENOENT, EEXIST = 2, 17
KERNEL = (0, 0)

libc = ctypes.CDLL(None, use_errno=True)
truth = []


def attribute(kind, payload):
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


def message(kind, body, sequence, flags=REQUEST | ACK | EXCL, subsystem=IPSET):
    header = struct.pack("=IHHII", 20 + len(body), subsystem << 8 | kind, flags, sequence, 0)
    return header + struct.pack("=BBH", socket.AF_INET, 0, 0) + body


def create(name, sequence=1, flags=REQUEST | ACK | EXCL, more=b""):
    body = attribute(1, b"\x07") + attribute(2, name.encode() + b"\0") + attribute(3, b"hash:ip\0")
    options = attribute(0x8000 | 7, b"")
    return message(CREATE, body + attribute(4, b"\0") + attribute(5, b"\x02") + options + more, sequence, flags)


def destroy(name, sequence=1, flags=REQUEST | ACK | EXCL):
    return message(DESTROY, attribute(1, b"\x07") + attribute(2, name.encode() + b"\0"), sequence, flags)


def expect(name, outcome, command="create"):
    """outcome: 0, a positive error number, or None where mine cannot know it."""
    truth.append({"set": name, "command": command, "outcome": outcome})


def kernel_socket():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.bind((0, 0))
    sock.settimeout(5)
    return sock


def answer(sock):
    """The error in the next acknowledgement."""
    while True:
        data = sock.recv(65536)
        _, kind, *_ = struct.unpack_from("=IHHII", data)
        if kind == NLMSG_ERROR:
            return -struct.unpack_from("=i", data, 16)[0]


def pieces(data, *lengths):
    parts = []
    for length in lengths:
        parts.append(data[:length])
        data = data[length:]
    return [*parts, data]


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class Msghdr(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iov", ctypes.POINTER(Iovec)),
        ("iov_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class Mmsghdr(ctypes.Structure):
    _fields_ = [("message", Msghdr), ("length", ctypes.c_uint32)]


def sendmmsg(sock, datagrams):
    """Each datagram a list of pieces."""
    headers = (Mmsghdr * len(datagrams))()
    for header, parts in zip(headers, datagrams):
        iov = (Iovec * len(parts))(*[Iovec(part, len(part)) for part in parts])
        header.message.iov = iov
        header.message.iov_count = len(parts)
    return libc.sendmmsg(sock.fileno(), headers, len(datagrams), 0)


def one_call_each():
    """Every system call, one message, twice: the second CREATE finds that the set is there."""
    three = (5, 30)  # in the middle of the header, and of the attributes
    ways = {
        "sendto": lambda sock, data: sock.sendto(data, KERNEL),
        "send": lambda sock, data: sock.send(data),
        "sendmsg": lambda sock, data: sock.sendmsg([data]),
        "sendmsg-to": lambda sock, data: sock.sendmsg([data], [], 0, KERNEL),
        "sendmsg-3": lambda sock, data: sock.sendmsg(pieces(data, *three)),
        "sendmsg-empty": lambda sock, data: sock.sendmsg([b"", *pieces(data, 16, 0)]),
        "write": lambda sock, data: os.write(sock.fileno(), data),
        "writev-1": lambda sock, data: os.writev(sock.fileno(), [data]),
        "writev-3": lambda sock, data: os.writev(sock.fileno(), pieces(data, *three)),
        "sendmmsg": lambda sock, data: sendmmsg(sock, [[data]]),
        "sendmmsg-3": lambda sock, data: sendmmsg(sock, [pieces(data, *three)]),
    }
    for way, send in ways.items():
        with kernel_socket() as sock:
            for sequence in 1, 2:
                send(sock, create(way, sequence))
                expect(way, answer(sock))


def many_in_one_call():
    with kernel_socket() as sock:
        names = [f"many{number}" for number in range(5)]
        for number in range(5), [7] * 5:
            sock.send(b"".join(create(name, sequence) for name, sequence in zip(names, number)))
            for name in names:
                expect(name, answer(sock))
        # No answer is asked for; those of errors come.
        sock.send(b"".join(create(name, 9, REQUEST | EXCL) for name in ("quiet-one", "many0", "quiet-two")))
        assert answer(sock) == EEXIST
        for name, outcome in ("quiet-one", 0), ("many0", EEXIST), ("quiet-two", 0):
            expect(name, outcome)
        sendmmsg(sock, [[create(f"mm{number}0", 1), create(f"mm{number}1", 2)] for number in range(4)])
        for number in range(4):
            for index in 0, 1:
                expect(f"mm{number}{index}", answer(sock))


def foreign_messages():
    """ipset's behind those of others, and what the kernel does not take for a command."""
    foreign = message(1, b"", 1, REQUEST, CONNTRACK)
    with kernel_socket() as sock:
        for count in 1, 3, 8, 9:
            sock.send(foreign * count + create(f"behind{count}", 5))
            while True:
                _, kind, _, sequence, _, error = struct.unpack_from("=IHHIIi", sock.recv(65536))
                if kind == NLMSG_ERROR and sequence == 5:
                    break
            expect(f"behind{count}", -error)
        sock.send(struct.pack("=IHHIIBBH", 20, BATCH_BEGIN, REQUEST, 1, 0, 0, 0, 0) + create("in a batch"))
        sock.send(create("no request", 1, ACK))
        sock.send(create("short")[:-4] + b"")  # longer than what is sent: dropped
        sock.send(struct.pack("=IHHII", 8, IPSET << 8 | CREATE, REQUEST, 1, 0) + bytes(40))


def to_others():
    with kernel_socket() as sock, kernel_socket() as other:
        sock.sendto(create("to a process"), (other.getsockname()[0], 0))
        assert other.recv(65536)
        sock.sendmsg([create("to a process")], [], 0, (other.getsockname()[0], 0))
        sock.connect((other.getsockname()[0], 0))
        os.write(sock.fileno(), create("to a process"))
        # The kernel does so, but a socket that is connected to a process gets no answer from it.
        for flags in REQUEST | ACK | EXCL, REQUEST | EXCL:
            sock.sendto(create("connected", 1, flags), KERNEL)
            expect("connected", None)
        for bad in lambda: sock.sendto(create("refused"), (1, 0)), lambda: sock.send(create("refused") * 3000):
            try:
                bad()
            except OSError:
                pass
    with open("/dev/null", "wb", buffering=0) as file:
        file.write(create("to a file"))
    stream, peer = socket.socketpair()
    with stream, peer:
        stream.send(create("to a stream"))


def long_messages():
    """Longer than what is captured, in one piece and in two."""
    padding = attribute(100, bytes(20000))
    for way, split in ("long", 0), ("long-2", 16):
        with kernel_socket() as sock:
            sock.sendmsg(pieces(create(way, 1, more=padding), split))
            expect(way, answer(sock))
    fitting = attribute(100, bytes(16000))
    with kernel_socket() as sock:
        sock.sendmsg(pieces(create("fits", 1, more=fitting), 16, 4))
        expect("fits", answer(sock))


def scattered():
    """In more pieces than are looked at."""
    with kernel_socket() as sock:
        data = create("scattered")
        sock.sendmsg([data[at : at + 5] for at in range(0, len(data), 5)])
        expect(None, answer(sock))  # the name is not among them
        sock.sendmsg([data[at : at + 1] for at in range(len(data))])
        assert answer(sock) == EEXIST  # not even the header is: lost, and counted


def with_receiver():
    """Another thread waits for the answer, and has it before the call that sends is over, or just after."""
    for way in "recv", "recvmsg":
        with kernel_socket() as sock:
            received = []

            def receive():
                for _ in range(40):
                    if way == "recv":
                        data = sock.recv(65536)
                    else:
                        data = sock.recvmsg(65536)[0]
                    received.append(-struct.unpack_from("=i", data, 16)[0])

            thread = threading.Thread(target=receive)
            thread.start()
            time.sleep(0.2)
            for number in range(20):
                for sequence in 1, 2:
                    sock.send(create(f"{way}{number}", sequence))
            thread.join()
            for number in range(20):
                for index in 0, 1:
                    expect(f"{way}{number}", received[2 * number + index])


def never_read():
    """The receive queue overflows: what was the answer can then not be known, asked for or not."""
    with kernel_socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for number in range(30):
            sock.send(destroy(f"missing{number}", 1, REQUEST | EXCL))
        answered = 0
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    answer(sock)
                    answered += 1
                except OSError as error:  # told once, before the answers that found room
                    if error.errno != errno.ENOBUFS:
                        raise
        assert 0 < answered < 30, answered
        for number in range(30):
            expect(f"missing{number}", ENOENT if number < answered else None, "destroy")


def too_many():
    with kernel_socket() as sock:
        sock.send(b"".join(destroy(f"row{number}", number) for number in range(50)))
        for number in range(50):
            expect(f"row{number}", answer(sock), "destroy")


def denied():
    """Without the right to do so: the kernel refuses the datagram at its first message."""
    with kernel_socket() as sock:
        sock.send(create("denied0", 1) + create("denied1", 2))
        expect("denied0", answer(sock))
        sock.send(create("denied2", 1, REQUEST))
        expect("denied2", answer(sock))
        # To a message of someone else: the kernel did not come to ipset's.
        sock.send(message(1, b"", 1, REQUEST, CONNTRACK) + create("denied3", 1, REQUEST))
        expect("denied3", None)


ways = [denied] if os.geteuid() else [
    one_call_each,
    many_in_one_call,
    foreign_messages,
    to_others,
    long_messages,
    scattered,
    with_receiver,
    never_read,
    too_many,
]
for way in ways:
    way()
json.dump(truth, sys.stdout)
