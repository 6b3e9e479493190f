# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Sends commands to the kernel without ipset(8): through pyroute2, and as bytes built by hand."""
import socket
import struct
import threading

from pyroute2.ipset import IPSet

with IPSet() as ipset:
    ipset.create("pyroute2", stype="hash:ip", comment=True, timeout=5000)
    ipset.create("other", stype="hash:ip")
    ipset.add("pyroute2", "10.2.0.1", comment='said "so"\n', timeout=60)
    ipset.add("other", "10.2.0.2")
    ipset.test("other", "10.2.0.2")
    ipset.delete("other", "10.2.0.2")
    ipset.swap("pyroute2", "other")
    ipset.rename("pyroute2", "renamed")
    ipset.flush("renamed")
    ipset.destroy("other")

NETLINK_NETFILTER = 12
NESTED, NETWORK_ORDER = 0x8000, 0x4000
REQUEST, ACK, EXCL = 0x1, 0x4, 0x200


def attribute(kind, payload):
    return struct.pack("=HH", 4 + len(payload), kind) + payload + bytes(-len(payload) % 4)


def element(number):
    address = attribute(NETWORK_ORDER | 1, struct.pack("!I", 0x0A030000 + number))
    line = attribute(NETWORK_ORDER | 9, struct.pack("!I", number))
    return attribute(NESTED | 7, attribute(NESTED | 1, address) + line)


def add_many():
    """Sends one message to the set `renamed`, longer than mine captures."""
    body = (
        struct.pack("=BBH", socket.AF_INET, 0, 0)
        + attribute(1, b"\x06")
        + attribute(2, b"renamed\0")
        + attribute(NETWORK_ORDER | 9, struct.pack("!I", 1))
        + attribute(NESTED | 8, b"".join(element(number) for number in range(1, 1001)))
    )
    header = struct.pack("=IHHII", 16 + len(body), 0x0609, REQUEST | ACK | EXCL, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as kernel:
        kernel.send(header + body)
        *_, error = struct.unpack_from("=IHHIIi", kernel.recv(65536))
    with open("/results/thread", "w") as file:
        print(threading.get_native_id(), len(header + body), error, file=file)


thread = threading.Thread(target=add_many)
thread.start()
thread.join()
