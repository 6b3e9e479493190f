# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
# Binds a datagram socket, a file or "@" and an abstract name, and prints each datagram as a line of hexadecimal. A
# datagram can be a file in memory, if it is sealed: "file" stands in front of its line.
import fcntl
import os
import socket
import sys

# linux/fcntl.h: F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE
F_GET_SEALS = 1034
SEALS = 1 | 2 | 4 | 8

path = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind("\0" + path[1:] if path[0] == "@" else path)
print("bound", flush=True)
while True:
    data, files, _, _ = socket.recv_fds(receiver, 1 << 20, 1)
    for file in files:
        if fcntl.fcntl(file, F_GET_SEALS) & SEALS != SEALS:
            sys.exit("a file is not sealed")
        print("file", os.pread(file, os.fstat(file).st_size, 0).hex(), flush=True)
        os.close(file)
    if not files:
        print(data.hex(), flush=True)
