#!/usr/bin/python3
"""pcapng.py FILE EXPRESSION: reads a pcapng file by the specification
(draft-ietf-opsawg-pcapng), independently of who has written it, and says
whether EXPRESSION is true of its packets `p`, `sums` (Interface Statistics) and
`interface` (the description). What the specification does not allow is an error.
"""

import ipaddress
import re
import struct
import sys
import time  # noqa: F401  for expressions

SECTION, INTERFACE, STATISTICS, PACKET = 0x0A0D0D0A, 1, 5, 6


def options(body):
    found, at = {}, 0
    while at < len(body):
        code, length = struct.unpack_from("=HH", body, at)
        value = body[at + 4:at + 4 + length]
        assert len(value) == length, "an option is cut off"
        padding = body[at + 4 + length:at + 4 + length + -length % 4]
        assert not any(padding), "padding"
        at += 4 + length + -length % 4
        if code == 0:
            assert length == 0 and at == len(body), "the end is at the end"
            return found
        assert code not in found, "twice"
        found[code] = value
    raise AssertionError("no end of options")


def blocks(data):
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("=II", data, at)
        assert length % 4 == 0 and at + length <= len(data), (at, length)
        assert struct.unpack_from("=I", data, at + length - 4)[0] == length, "both lengths"
        yield kind, data[at + 8:at + length - 4]
        at += length


class Packet:
    def __init__(self, body):
        interface, high, low, kept, self.length = struct.unpack_from("=IIIII", body)
        assert interface == 0 and kept <= self.length
        self.at = (high << 32 | low) / 1e6
        self.bytes = body[20:20 + kept]
        opts = options(body[20 + kept + -kept % 4:])
        self.inbound = {1: True, 2: False}[struct.unpack("=I", opts[2])[0]]
        comment = opts[1].decode()
        assert re.fullmatch(r"flow=\d+ verdict=\w+ reason=\w+ rule=\d+", comment), comment
        self.note = dict(word.split("=") for word in comment.split())
        self.dst, self.src = (self.bytes[i:i + 6].hex(":") for i in (0, 6))
        self.ip = {0x0800: 4, 0x86DD: 6}.get(int.from_bytes(self.bytes[12:14], "big"), 0)
        l4 = {4: 34, 6: 54}.get(self.ip, 0)
        self.sport, self.dport = struct.unpack_from(">HH", self.bytes, l4) if l4 else (0, 0)
        a, n = {4: (26, 4), 6: (22, 16)}.get(self.ip, (0, 4))
        self.saddr, self.daddr = (str(ipaddress.ip_address(self.bytes[i:i + n])) for i in (a, a + n))
        self.payload = self.length - l4 - (self.bytes[l4 + 12] >> 4) * 4 if l4 and kept > l4 + 12 else 0

    def __repr__(self):
        return f"{'in' if self.inbound else 'out'} {self.src} > {self.dst} {self.saddr}:{self.sport} > " \
               f"{self.daddr}:{self.dport} {self.length} {self.note}"


def main():
    p, sums, interface = [], None, None
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    for i, (kind, body) in enumerate(blocks(data)):
        assert (kind == SECTION) == (i == 0) and (kind == INTERFACE) == (i == 1), (i, kind)
        assert sums is None, "the sums are the last"
        if kind == SECTION:
            magic, major, minor, length = struct.unpack_from("=IHHq", body)
            assert (magic, major, minor, length) == (0x1A2B3C4D, 1, 0, -1)
            assert options(body[16:])[4].startswith(b"weir ")
        elif kind == INTERFACE:
            link, _, snaplen = struct.unpack_from("=HHI", body)
            opts = options(body[8:])
            assert link == 1
            interface = {"snaplen": snaplen, "name": opts[2].decode(), "filter": opts.get(11, b"\0")[1:].decode()}
            assert opts.get(11, b"\0")[:1] == b"\0"
        elif kind == STATISTICS:
            opts = options(body[12:])
            sums = {name: struct.unpack("=Q", opts[code])[0]
                    for name, code in {"received": 4, "drop": 5, "accepted": 6, "written": 8}.items()}
        else:
            assert kind == PACKET, kind
            p.append(Packet(body))
    # a comprehension in an expression sees only globals
    held = eval("(" + sys.argv[2] + ")", {**globals(), "p": p, "sums": sums, "interface": interface})
    if not held:
        print(sums, interface, *p[-12:], sep="\n")
    sys.exit(not held)


main()
