# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Sends ipset messages in every way that a program can, in the current network namespace.

    odd-senders.py [block]

Each way uses its own sets. The program writes the sent commands and the kernel's answers as JSON. An answer is
"hidden" if the sender keeps it out of its receive queue.

With "block" the program sends nothing to ipset, and keeps 1,100 threads blocked in calls that send.
"""
import contextlib
import ctypes
import errno
import fcntl
import json
import mmap
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
PROTOCOL = b"\x06"  # accepted by every kernel
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
    body = attribute(1, PROTOCOL) + attribute(2, name.encode() + b"\0") + attribute(3, b"hash:ip\0")
    options = attribute(0x8000 | 7, b"")
    return message(CREATE, body + attribute(4, b"\0") + attribute(5, b"\x02") + options + more, sequence, flags)


def destroy(name, sequence=1, flags=REQUEST | ACK | EXCL):
    return message(DESTROY, attribute(1, PROTOCOL) + attribute(2, name.encode() + b"\0"), sequence, flags)


def expect(name, outcome, command="create", hidden=False):
    """Records a sent command. outcome: 0, or a positive error number."""
    truth.append({"set": name, "command": command, "outcome": outcome, "hidden": hidden})


def kernel_socket():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.bind((0, 0))
    sock.settimeout(5)
    return sock


def answer(sock):
    """Returns the positive error number of the next acknowledgement; 0 for success."""
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
    """Sends datagrams in one call. Each datagram is a list of pieces."""
    headers = (Mmsghdr * len(datagrams))()
    for header, parts in zip(headers, datagrams):
        iov = (Iovec * len(parts))(*[Iovec(part, len(part)) for part in parts])
        header.message.iov = iov
        header.message.iov_count = len(parts)
    return libc.sendmmsg(sock.fileno(), headers, len(datagrams), 0)


def one_call_each():
    """Sends one message twice with every system call. The second CREATE fails, because the set exists."""
    three = (5, 30)  # splits the header and the attributes
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
        # No acknowledgement is requested. The kernel answers errors only.
        sock.send(b"".join(create(name, 9, REQUEST | EXCL) for name in ("quiet-one", "many0", "quiet-two")))
        assert answer(sock) == EEXIST
        for name, outcome in ("quiet-one", 0), ("many0", EEXIST), ("quiet-two", 0):
            expect(name, outcome)
        sendmmsg(sock, [[create(f"mm{number}0", 1), create(f"mm{number}1", 2)] for number in range(4)])
        for number in range(4):
            for index in 0, 1:
                expect(f"mm{number}{index}", answer(sock))


def foreign_messages():
    """Sends ipset messages behind messages of other subsystems, and messages that are no command to the kernel."""
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
        sock.send(create("short")[:-4] + b"")  # nlmsg_len exceeds the datagram: the kernel drops it
        sock.send(struct.pack("=IHHII", 8, IPSET << 8 | CREATE, REQUEST, 1, 0) + bytes(40))


def to_others():
    """Sends ipset messages to other receivers than the kernel's ipset."""
    with kernel_socket() as sock, kernel_socket() as other:
        sock.sendto(create("to a process"), (other.getsockname()[0], 0))
        assert other.recv(65536)
        sock.sendmsg([create("to a process")], [], 0, (other.getsockname()[0], 0))
        sock.connect((other.getsockname()[0], 0))
        os.write(sock.fileno(), create("to a process"))
        # The kernel executes these commands. A socket that is connected to a process gets no answer from the kernel.
        for flags, outcome in (REQUEST | ACK | EXCL, 0), (REQUEST | EXCL, EEXIST):
            sock.sendto(create("connected", 1, flags), KERNEL)
            expect("connected", outcome, hidden=True)
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
    """Sends messages longer than the captured bytes, in one piece and in two."""
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
    """Sends messages in many pieces."""
    with kernel_socket() as sock:
        data = create("scattered")
        for size in 5, 1:
            sock.sendmsg([data[at : at + size] for at in range(0, len(data), size)])
            expect("scattered", answer(sock))
        sock.sendmsg([b""] * 9 + [b"".join(destroy(f"tenth{number}", number) for number in range(20))])
        for number in range(20):
            expect(f"tenth{number}", answer(sock), "destroy")


def with_receiver():
    """Receives in another thread, which gets the answer shortly before or after the send call returns."""
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
    """Overflows the receive queue. The answer is then unknown, with or without NLM_F_ACK."""
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
                except OSError as error:  # reported once, before the queued answers
                    if error.errno != errno.ENOBUFS:
                        raise
        assert 0 < answered < 30, answered
        for number in range(30):
            expect(f"missing{number}", ENOENT, "destroy", hidden=number >= answered)


def length_not_writable():
    """Makes msg_len read-only: the kernel delivers the datagram, and then cannot write its length."""
    page = mmap.mmap(-1, mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    header = Mmsghdr.from_address(address)
    with kernel_socket() as sock:
        for sequence in 1, 2:
            data = create("read-only", sequence)
            iov = (Iovec * 1)(Iovec(data, len(data)))
            header.message.iov = iov
            header.message.iov_count = 1
            assert libc.mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, mmap.PROT_READ) == 0
            assert libc.sendmmsg(sock.fileno(), ctypes.c_void_p(address), 1, 0) == -1
            assert ctypes.get_errno() == errno.EFAULT
            assert libc.mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE) == 0
            expect("read-only", answer(sock))


def length_in_address():
    """Lets the kernel overwrite the receiver's port id with the length, at the end of the call."""
    headers = (Mmsghdr * 2)()
    port = ctypes.addressof(headers) + Mmsghdr.length.offset
    with kernel_socket() as sock:
        for sequence in 1, 2:
            data = create("overlaid", sequence)
            iov = (Iovec * 1)(Iovec(data, len(data)))
            ctypes.memmove(port - 4, struct.pack("=HHII", socket.AF_NETLINK, 0, 0, 0), 12)
            headers[0].message.name = port - 4
            headers[0].message.name_length = 12
            headers[0].message.iov = iov
            headers[0].message.iov_count = 1
            assert libc.sendmmsg(sock.fileno(), headers, 1, 0) == 1
            expect("overlaid", answer(sock))


def pwritev2(sock, data):
    iov = (Iovec * 1)(Iovec(data, len(data)))
    end = ctypes.c_long(-1)
    return libc.syscall(328, sock.fileno(), iov, ctypes.c_long(1), end, end, 0)


def aio(sock, data):
    context = ctypes.c_ulong()
    libc.syscall(206, 1, ctypes.byref(context))  # io_setup
    buffer = ctypes.create_string_buffer(data, len(data))
    pwrite = struct.pack("=QIIHhIQQqQII", 0, 0, 0, 1, 0, sock.fileno(), ctypes.addressof(buffer), len(data), 0, 0, 0, 0)
    block = ctypes.create_string_buffer(pwrite, len(pwrite))
    pointer = ctypes.c_void_p(ctypes.addressof(block))
    sent = libc.syscall(209, context, ctypes.c_long(1), ctypes.byref(pointer))  # io_submit
    libc.syscall(207, context)  # io_destroy
    return sent


def sendfile(sock, data):
    with os.fdopen(os.memfd_create("message"), "w+b", buffering=0) as file:
        file.write(data)
        return os.sendfile(sock.fileno(), file.fileno(), 0, len(data))


# push %rbx; push %rbp; mov %edi,%ebx; mov %esi,%ecx; esi, edi, ebp = 0; eax = 369 (sendto); int $0x80; pop;
# pop; ret
SENDTO_32 = bytes.fromhex("5355 89fb 89f1 31f6 31ff 31ed b871010000 cd80 5d5b c3")


def int80(sock, data):
    """Sends with the system call of a 32-bit program, in a child. The child dies if the kernel has no such calls."""
    low = 0x40  # MAP_32BIT
    code = mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | low, 7)
    code.write(SENDTO_32)
    code.write(data)
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    call = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_long)(address)
    child = os.fork()
    if child == 0:
        os._exit(0 if call(sock.fileno(), address + len(SENDTO_32), len(data)) > 0 else 1)
    return 1 if os.waitpid(child, 0)[1] == 0 else -1


def io_uring(sock, data):
    """Sends with IORING_OP_WRITEV, which io_uring has since its first version (5.1)."""
    parameters = ctypes.create_string_buffer(120)
    ring = libc.syscall(425, 1, parameters)
    if ring < 0:
        return -1
    array, = struct.unpack_from("=I", parameters, 40 + 24)
    tail, = struct.unpack_from("=I", parameters, 40 + 4)
    queue = mmap.mmap(ring, mmap.PAGESIZE, mmap.MAP_SHARED, 3, offset=0)
    entries = mmap.mmap(ring, mmap.PAGESIZE, mmap.MAP_SHARED, 3, offset=0x10000000)
    iov = (Iovec * 1)(Iovec(data, len(data)))
    struct.pack_into("=BBHiQQII", entries, 0, 2, 0, 0, sock.fileno(), 0, ctypes.addressof(iov), 1, 0)
    struct.pack_into("=I", queue, array, 0)
    struct.pack_into("=I", queue, tail, 1)
    sent = libc.syscall(426, ring, 1, 1, 1, None, ctypes.c_long(0))
    queue.close()
    entries.close()
    os.close(ring)
    return sent


def without_usual_calls():
    for send in pwritev2, aio, sendfile, int80, io_uring:
        with kernel_socket() as sock:
            for sequence in 1, 2:
                if send(sock, create(send.__name__, sequence)) > 0:
                    expect(send.__name__, answer(sock))
                else:
                    print(f"{send.__name__} is not to be had on this kernel", file=sys.stderr)


def forged_answer():
    """Sends a forged refusal of the kernel to its own socket."""
    with kernel_socket() as sock:
        messages = [create(f"forged{number}", 5) for number in range(2)]
        forged = struct.pack("=IHHIIi", 36, NLMSG_ERROR, 0, 5, sock.getsockname()[0], -EEXIST) + messages[0][:16]
        sock.sendto(forged, sock.getsockname())
        sock.send(messages[0])
        sock.send(messages[1])
        assert answer(sock) == EEXIST  # the forged answer
        for number in range(2):
            expect(f"forged{number}", answer(sock))


def behind_noops():
    noop = struct.pack("=IHHII", 16, 1, REQUEST | ACK, 1, 0)
    with kernel_socket() as sock:
        sock.send(noop * 40 + destroy("noops40", 2, REQUEST | EXCL))
        assert [answer(sock) for _ in range(40)] == [0] * 40
        expect("noops40", answer(sock), "destroy")


def another_file():
    """Writes to a file descriptor that another thread switches between this socket and another file."""
    with kernel_socket() as sock, open("/dev/null", "wb") as null:
        number = fcntl.fcntl(null.fileno(), fcntl.F_DUPFD, 100)
        over = threading.Event()

        def switch():
            while not over.is_set():
                os.dup2(sock.fileno(), number)
                os.dup2(null.fileno(), number)

        thread = threading.Thread(target=switch)
        thread.start()
        sock.setblocking(False)
        for sequence in range(200):
            os.write(number, destroy(f"dup{sequence}", sequence))
            with contextlib.suppress(BlockingIOError):
                expect(f"dup{sequence}", answer(sock), "destroy")
        over.set()
        thread.join()
        os.close(number)


def hidden_arguments():
    """Moves the command line to unreadable memory. Each read of it faults in a BPF program."""
    set_mm, arg_start, arg_end = 35, 8, 9
    start, end = (int(field) for field in open("/proc/self/stat").read().rsplit(")", 1)[1].split()[45:47])
    page = mmap.mmap(-1, mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    libc.mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, 0)

    def place(*ends):
        return all(libc.prctl(set_mm, what, ctypes.c_ulong(at), 0, 0) == 0 for what, at in ends)

    if not place((arg_start, address), (arg_end, address + mmap.PAGESIZE)):
        print("arguments cannot be hidden on this kernel", file=sys.stderr)
        return
    with kernel_socket() as sock:
        for number in range(5):
            sock.send(destroy(f"hidden{number}", number))
            expect(f"hidden{number}", answer(sock), "destroy")
    place((arg_end, end), (arg_start, start))


def filtered_answer():
    """Drops answers with a socket filter of the sender."""
    drop = struct.pack("=HBBI", 0x06, 0, 0, 0)  # return 0
    code = ctypes.create_string_buffer(drop, len(drop))
    program = struct.pack("=HxxxxxxQ", 1, ctypes.addressof(code))
    with kernel_socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, 26, program)  # SO_ATTACH_FILTER
        for flags in REQUEST | EXCL, REQUEST | ACK | EXCL:
            sock.send(destroy("filtered", 1, flags))
            expect("filtered", ENOENT, "destroy", hidden=True)


def row():
    """Sends more messages in one datagram than the legacy object of the tracepoint backend can report."""
    with kernel_socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
        sock.send(b"".join(destroy(f"row{number}", number) for number in range(200)))
        for number in range(200):
            expect(f"row{number}", answer(sock), "destroy")
        noop = struct.pack("=IHHII", 16, 1, REQUEST, 1, 0)
        sock.send(noop * 300 + b"".join(destroy(f"row-behind{number}", number) for number in range(50)))
        for number in range(50):
            expect(f"row-behind{number}", answer(sock), "destroy")


def dump_not_read():
    """Leaves a dump unread. The kernel keeps the request until the dump is read, or the socket is closed."""
    with kernel_socket() as sock:
        for number in range(600):
            sock.send(create(f"a-set-with-a-long-name-{number}", number, REQUEST))
            expect(f"a-set-with-a-long-name-{number}", 0)
        save = message(8, attribute(1, PROTOCOL), 1, REQUEST | 0x300)
        sock.send(save + destroy("behind-a-dump", 2))
        expect(None, 0, "save")
        expect("behind-a-dump", ENOENT, "destroy")


def denied():
    """Sends without privileges. The kernel refuses the datagram at its first message."""
    with kernel_socket() as sock:
        sock.send(create("denied0", 1) + create("denied1", 2))
        expect("denied0", answer(sock))
        sock.send(create("denied2", 1, REQUEST))
        expect("denied2", answer(sock))
        # The kernel refuses the message of another subsystem, and never reaches the one of ipset.
        sock.send(message(1, b"", 1, REQUEST, CONNTRACK) + create("denied3", 1, REQUEST))
    # ipset messages to other netlink protocols.
    for protocol in 0, 4, 6, 9, 16:  # ROUTE, SOCK_DIAG, XFRM, AUDIT, GENERIC
        with contextlib.suppress(OSError), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as other:
            other.send(create("foreign"))
    # Forged answers of the kernel that answer no request, from many threads.
    for _ in range(1100):
        thread = threading.Thread(target=send_answer)
        thread.start()
        thread.join()


def send_answer():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 2) as sock:  # USERSOCK
        sock.bind((0, 0))
        header = destroy("answered")[:16]
        sock.sendto(struct.pack("=IHHIIi", 36, NLMSG_ERROR, 0, 1, 0, -ENOENT) + header, sock.getsockname())


def block_for_good():
    """Keeps 1,100 threads in send calls that do not return, because the receiver reads nothing."""
    full = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    full.bind((0, 0))
    with kernel_socket() as sock:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                sock.sendto(create("blocked"), full.getsockname())

    def send_one():
        with kernel_socket() as sock:
            sock.setblocking(True)
            sock.sendto(create("blocked"), full.getsockname())

    threading.stack_size(64 << 10)
    for _ in range(1100):
        threading.Thread(target=send_one, daemon=True).start()
    print("blocked", flush=True)
    time.sleep(600)


if sys.argv[1:] == ["block"]:
    block_for_good()
ways = [denied] if os.geteuid() else [
    one_call_each,
    many_in_one_call,
    foreign_messages,
    to_others,
    long_messages,
    scattered,
    with_receiver,
    never_read,
    length_not_writable,
    length_in_address,
    without_usual_calls,
    forged_answer,
    behind_noops,
    another_file,
    hidden_arguments,
    filtered_answer,
    dump_not_read,
    row,
]
for way in ways:
    way()
json.dump(truth, sys.stdout)
