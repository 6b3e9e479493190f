# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Formats an ipset message and its error as text, like src/ipset and src/output for a text line.

The bytes are untrusted input: each length is checked before its use.
"""

import ctypes
import os
import re
import socket
import struct
import sys
import unicodedata

# enum ipset_cmd of linux/netfilter/ipset/ip_set.h.
COMMANDS = (
    "NONE PROTOCOL CREATE DESTROY FLUSH RENAME SWAP LIST SAVE ADD DEL TEST HEADER TYPE GET_BYNAME GET_BYINDEX"
).split()
HEADERS_SIZE = 20  # struct nlmsghdr and struct nfgenmsg
NLM_F_EXCL = 0x200
SETNAME, TYPENAME, DATA, BATCH, LINE = 2, 3, 7, 8, 9  # IPSET_ATTR_* of a command
IPSET_ERR_EXIST, IPSET_ERR_TYPE_SPECIFIC = 4103, 4352
SHOWN_BYTES = 64
SHOWN_ELEMENTS = 2

# Errors that depend on the type of the set. libipset knows this type only after it has asked the kernel for it.
TYPE_ERRORS = {
    b"bitmap": (
        "Element is out of the range of the set",
        "The range you specified exceeds the size limit of the set type",
    ),
    b"hash": (
        "Hash is full, cannot add more elements",
        "Null-valued element, cannot be stored in a hash type of set",
        "Invalid protocol specified",
        "Protocol missing, but must be specified",
        'Range is not supported in the "net" component of the element',
        "Invalid range, covers the whole address space",
    ),
    b"list": (
        "Set to be added/deleted/tested as element does not exist.",
        "Sets with list:set type cannot be added to the set.",
        "No reference set specified.",
        "The set to which you referred with 'before' or 'after' does not exist.",
        "The set is full, more elements cannot be added.",
        "The set to which you referred with 'before' or 'after' is not added to the set.",
    ),
}

libc = ctypes.CDLL(None)
libc.getprotobynumber.restype = ctypes.POINTER(ctypes.c_char_p)  # struct protoent: the name is first
try:
    libipset = ctypes.CDLL("libipset.so.13")
except OSError as error:
    sys.exit(f"error: {error}\n       Install ipset.")
libipset.ipset_session_init.restype = ctypes.c_void_p
libipset.ipset_session_report_msg.restype = ctypes.c_char_p
icmp_names = {1: libipset.icmp_to_name, 58: libipset.icmpv6_to_name}
for icmp_name in icmp_names.values():
    icmp_name.restype = ctypes.c_char_p
session = ctypes.c_void_p(libipset.ipset_session_init(None, None))


def describe_error(command, number, set_type):
    """Returns the sentence that ipset(8) prints for an error."""
    if number >= IPSET_ERR_TYPE_SPECIFIC:
        known = TYPE_ERRORS.get(set_type.split(b":")[0], ())[number - IPSET_ERR_TYPE_SPECIFIC :]
        return known[0] if known else f"Error {number} of this type of set"
    libipset.ipset_session_report_reset(session)
    libipset.ipset_errcode(session, command, number)
    sentence = libipset.ipset_session_report_msg(session).decode().strip()
    strerror = os.strerror(number)
    return strerror if sentence == f"Kernel error received: {strerror}" else sentence


# Invisible letters, marks and symbols (Default_Ignorable_Code_Point, blank Braille).
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def is_printable(character):
    return unicodedata.category(character)[0] in "LMNPS" and not INVISIBLE.match(character)


def escape(character):
    code = ord(character)
    if character in ESCAPES:
        return ESCAPES[character]
    if character == " " or is_printable(character):
        return character
    # A byte that is not UTF-8 is a surrogate in Python's text.
    return f"\\x{code & 0xFF:02x}" if code < 0x80 or 0xDC80 <= code <= 0xDCFF else f"\\u{{{code:x}}}"


def quoted(name):
    return '"' + "".join(map(escape, name.decode(errors="surrogateescape"))) + '"'


def word(name, special=' "\\<>()'):
    """Returns the name unchanged, or quoted if a reader may take it for another part of the line."""
    text = name.decode(errors="surrogateescape")
    is_bare = text and all(is_printable(character) and character not in special for character in text)
    return text if is_bare and text[0] != "-" and text[-1] != "," else quoted(name)


def element_word(name):
    name = until_nul(name)
    return quoted(name) if name.startswith(b"physdev:") else word(name, ' "\\<>(),')


def until_nul(payload):
    return payload.split(b"\0")[0]


def attributes(data, is_whole=True):
    """Yields the number and the payload of each netlink attribute. A truncated batch yields its start."""
    while data:
        length, number = struct.unpack_from("=HH", data.ljust(4, b"\0"))
        if 4 <= length <= len(data):
            yield number & 0x3FFF, data[4:length]
        elif is_whole:
            raise ValueError("attribute")
        elif number & 0x3FFF == BATCH:
            yield BATCH, data[4:]
        data = data[length + 3 & ~3 or len(data) :]


class Element:
    """An element of a set. Its parts have the same order in all types of sets."""

    def __init__(self, data):
        self.fields = dict(attributes(data))
        self.line = self.number(LINE, 4)
        flags = self.number(8, 4) or 0
        parts = (
            self.addresses(1, 3, 2),
            self.ports(4, 5, 7),
            self.write("0x{:08x}", self.number(10, 4)),
            self.write("{}", self.fields.get(17), lambda mac: mac.hex(":").upper()),
            self.addresses(20, 21, 22),
            self.write("physdev:{}" if flags & 2 else "{}", self.fields.get(23), element_word),
            self.write("{}", self.fields.get(18), element_word),
        )
        options = (
            self.write("before {}" if flags & 1 else "after {}", self.fields.get(19), element_word),
            self.write("timeout {}", self.number(6, 4)),
            "nomatch" if flags & 4 else None,
            "wildcard" if flags & 128 and 23 in self.fields else None,
            self.write("packets {}", self.number(25, 8)),
            self.write("bytes {}", self.number(24, 8)),
            self.write("comment {}", self.fields.get(26), lambda text: quoted(until_nul(text))),
            self.write("skbmark {}", self.number(27, 8), mark_and_mask),
            self.write("skbprio {}", self.number(28, 4), lambda pair: f"{pair >> 16:x}:{pair & 0xFFFF:x}"),
            self.write("skbqueue {}", self.number(29, 2)),
        )
        self.text = " ".join([",".join(filter(None, parts)), *filter(None, options)])

    @staticmethod
    def write(form, value, convert=lambda value: value):
        return None if value is None else form.format(convert(value))

    def number(self, attribute, size):
        payload = self.fields.get(attribute)
        if payload is not None and len(payload) != size:
            raise ValueError("number")
        return None if payload is None else int.from_bytes(payload, "big")

    def address(self, attribute):
        """Returns the 4 or 16 bytes of an address, in network byte order."""
        if attribute not in self.fields:
            return None
        ((family, packed),) = attributes(self.fields[attribute])
        if len(packed) != {1: 4, 2: 16}.get(family):
            raise ValueError("address")
        return packed

    def addresses(self, first, prefix, last):
        start, length, end = self.address(first), self.number(prefix, 1), self.address(last)
        if start is None:
            return None
        is_one = length is None or (length == len(start) * 8 and end is None)
        return ip(start) + ("" if is_one else f"/{length}") + ("" if end is None else f"-{ip(end)}")

    def ports(self, first, last, protocol):
        protocol, start, end = self.number(protocol, 1), self.number(first, 2), self.number(last, 2)
        if start is None:
            return None
        written = port_name(protocol, start) + ("" if end is None else f"-{port_name(protocol, end)}")
        return written if protocol is None else f"{protocol_name(protocol)}:{written}"


def protocol_name(protocol):
    entry = libc.getprotobynumber(protocol)
    return entry[0].decode() if entry else str(protocol)


def port_name(protocol, port):
    """Returns the port as text; for ICMP, the type and the code."""
    if protocol not in icmp_names:
        return str(port)
    name = icmp_names[protocol](port >> 8, port & 0xFF)
    return name.decode() if name else f"{port >> 8}/{port & 0xFF}"


def ip(packed):
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def mark_and_mask(pair):
    mask = pair & 0xFFFFFFFF
    return f"0x{pair >> 32:x}" + ("" if mask == 0xFFFFFFFF else f"/0x{mask:x}")


class Message:
    """The captured part of a message. A malformed message has is_malformed."""

    def __init__(self, data, is_whole, is_denied):
        self.data = data
        self.is_whole = is_whole
        self.command_number, self.flags = struct.unpack_from("=4xBxH", data)
        known = self.command_number < len(COMMANDS)
        self.command = COMMANDS[self.command_number] if known else f"COMMAND {self.command_number}"
        self.has_elements = self.command in ("ADD", "DEL", "TEST") and not is_denied
        self.name = self.second = self.line = None
        self.elements = []
        self.is_malformed = False
        try:
            self.read()
        except (ValueError, struct.error):
            self.is_malformed = True

    def read(self):
        fields = list(attributes(self.data[HEADERS_SIZE:], self.is_whole))
        names = {number: until_nul(payload) for number, payload in fields}
        self.name, self.second = names.get(SETNAME), names.get(TYPENAME)
        line = dict(fields).get(LINE)
        self.line = None if line is None else int.from_bytes(line, "big")
        if self.has_elements:
            fields += attributes(dict(fields).get(BATCH, b""), self.is_whole)
            self.elements = [Element(payload) for number, payload in fields if number == DATA]

    @property
    def text(self):
        """The part of the line between the caller and the result."""
        text = self.command + self.subject()
        if self.elements:
            text += " " + ", ".join(element.text for element in self.elements[:SHOWN_ELEMENTS])
            more = len(self.elements) - SHOWN_ELEMENTS
            text += f" (+{more} more)" if more > 0 else ""
        if self.command in ("CREATE", "ADD", "DEL") and not self.flags & NLM_F_EXCL:
            text += " -exist"
        return text

    def subject(self):
        def shown(name, missing):
            return word(name) if name is not None else f"<{missing}>" if self.is_whole else "<cut off>"

        if self.command == "PROTOCOL":
            return ""
        if self.command in ("DESTROY", "FLUSH", "LIST", "SAVE"):
            return " " + shown(self.name, "all sets")
        form = {"CREATE": " {} (type: {})", "RENAME": " {} -> {}", "SWAP": " {} <-> {}", "TYPE": " {1}"}
        second = shown(self.second, "no set" if self.command in ("RENAME", "SWAP") else "no type")
        return form.get(self.command, " {}").format(shown(self.name, "no set"), second)
