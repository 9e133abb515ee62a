"""vary.py OUT NAME...: writes these captures as a network may deliver them, OUT/VARIANT.pcap.

All captures in one file, each in a network of its own: 10.1.0.0/24 and 2001:db8:1::/48
become 10.N.0.0/24 and 2001:db8:N::/48 for the Nth; OUT/expected.txt is what expected/ says
of them, moved in the same way. What varies is only how bytes are carried:

    same        as they were recorded
    bytes       one byte a segment, the first 2000 of each side; the rest as it was
    twice       every packet two times
    overlap     pieces of 40 bytes, each with the 20 bytes before it once more
    order       pieces of 40 bytes of what one side says at a time, in wrong order
    small       no packet is larger than 100 bytes: segments, and fragments of UDP
    fragments   every packet that has more than 64 bytes behind its IP header, in fragments

TCP keeps its options, sequence numbers are those of the bytes; checksums are right.
"""
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SYN_FIN_RST, FIN_PSH = 0x07, 0x09
BYTES_PER_SIDE, PIECE, WINDOW, MTU, FRAGMENT = 2000, 40, 8, 100, 64


def checksum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Packet:
    """An IP packet of TCP or UDP, taken apart: `ends` are both addresses, `head` is TCP's or UDP's header."""

    def __init__(self, frame, net):
        self.ether = frame[:14]
        self.v6 = frame[12:14] == b"\x86\xdd"
        ip = frame[14:]
        if self.v6:
            length = 40 + struct.unpack(">H", ip[4:6])[0]
            self.proto, at, self.ends = ip[6], 40, ip[8:40]
            self.ends = b"".join(a[:4] + struct.pack(">H", net) + a[6:] for a in (self.ends[:16], self.ends[16:]))
        else:
            length, at = struct.unpack(">H", ip[2:4])[0], (ip[0] & 15) * 4
            self.proto, self.ends = ip[9], ip[12:20]
            self.ends = b"".join(a[:1] + bytes([net]) + a[2:] if a[:2] == b"\x0a\x01" else a for a in (self.ends[:4], self.ends[4:]))
        if self.proto not in (6, 17):
            sys.exit("vary: neither TCP nor UDP")
        l4 = ip[at:length]
        self.tcp = self.proto == 6
        size = (l4[12] >> 4) * 4 if self.tcp else 8
        self.head, self.data = l4[:size], l4[size:]
        self.flow = (self.proto, self.ends, self.head[:4])
        self.flags = self.head[13] if self.tcp else 0

    def l4(self):
        if self.tcp:
            head = self.head[:16] + b"\0\0" + self.head[18:]
        else:
            head = self.head[:4] + struct.pack(">HH", 8 + len(self.data), 0)
        whole = head + self.data
        pseudo = self.ends + struct.pack(">II", len(whole), self.proto)
        at = 16 if self.tcp else 6
        return whole[:at] + struct.pack(">H", checksum(pseudo + whole) or 0xffff) + whole[at + 2:]

    def piece(self, begin, end):
        """These bytes of it; flags that belong to its end stay there."""
        p = Packet.__new__(Packet)
        p.__dict__.update(self.__dict__)
        p.data = self.data[begin:end]
        p.flags = self.flags if end >= len(self.data) else self.flags & ~FIN_PSH
        seq = struct.unpack(">I", self.head[4:8])[0] + begin & 0xffffffff
        p.head = self.head[:4] + struct.pack(">I", seq) + self.head[8:13] + bytes([p.flags]) + self.head[14:]
        return p

    def ip(self, load, fragment=None):
        """The frame around `load`; fragment: (where in the datagram, more follow, its number)."""
        if self.v6:
            head = b""
            if fragment:
                at, more, number = fragment
                head = struct.pack(">BBHI", self.proto, 0, at | more, number)
            ip = struct.pack(">IHBB", 6 << 28, len(head) + len(load), 44 if fragment else self.proto, 64) + self.ends + head
            return self.ether + ip + load
        at, more, number = fragment or (0, False, 1)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(load), number & 0xffff, more << 13 | at >> 3, 64, self.proto, 0) + self.ends
        return self.ether + ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:] + load


def whole(p):
    return [p.ip(p.l4())]


def segments(p, size):
    return [p.piece(i, i + size) for i in range(0, len(p.data), size)]


def is_said(p):
    """It carries bytes of a connection, and nothing that is to be left as it is."""
    return p.tcp and p.data and not p.flags & 0x06


class Numbers:
    """Of datagrams that are cut: none is used twice."""
    last = 100

    @classmethod
    def next(cls):
        cls.last += 1
        return cls.last


def fragments(p, size):
    load = p.l4()
    if len(load) <= size:
        return [p.ip(load)]
    number = Numbers.next()
    return [p.ip(load[i:i + size], (i, i + size < len(load), number)) for i in range(0, len(load), size)]


def same(packets):
    for p in packets:
        yield from whole(p)


def bytes_(packets):
    said = {}
    for p in packets:
        n = said.get(p.flow, 0)
        if not is_said(p) or n >= BYTES_PER_SIDE:
            yield from whole(p)
            continue
        said[p.flow] = n + len(p.data)
        for one in segments(p, 1):
            yield from whole(one)


def twice(packets):
    for p in packets:
        yield from whole(p) * 2


def overlap(packets):
    for p in packets:
        if not is_said(p):
            yield from whole(p)
            continue
        for i in range(0, len(p.data), PIECE):
            yield from whole(p.piece(max(0, i - PIECE // 2), i + PIECE))


def order(packets):
    """FIN comes at its time: what would be behind it is dropped by right."""
    held = []
    for p in packets:
        if held and (not is_said(p) or p.flow != held[0].flow):
            yield from reordered(held)
            held = []
        if is_said(p):
            held += segments(p, PIECE)
        else:
            yield from whole(p)
    yield from reordered(held)


def reordered(pieces):
    for i in range(0, len(pieces), WINDOW):
        window = pieces[i:i + WINDOW]
        for p in window[::-1] if not window[-1].flags & 1 else window[-2::-1] + window[-1:]:
            yield from whole(p)


def small(packets):
    for p in packets:
        room = MTU - (40 if p.v6 else 20)
        if is_said(p):
            for one in segments(p, room - len(p.head)):
                yield from whole(one)
        else:
            yield from fragments(p, room - (8 if p.v6 else 0) & ~7)


def in_fragments(packets):
    for p in packets:
        yield from fragments(p, FRAGMENT)


VARIANTS = {"same": same, "bytes": bytes_, "twice": twice, "overlap": overlap, "order": order, "small": small, "fragments": in_fragments}


def joined(frame, begun):
    """Recorded fragments, which come in order, are one frame: None until then."""
    v6 = frame[12:14] == b"\x86\xdd"
    where = struct.unpack(">H", frame[56:58] if v6 else frame[20:22])[0]
    if frame[20] != 44 if v6 else not where & 0x3fff:
        return frame
    size = struct.unpack(">H", frame[18:20] if v6 else frame[16:18])[0]
    load = frame[62:54 + size] if v6 else frame[34:14 + size]
    begun[:] = [begun[0] + load] if where & (0xfff8 if v6 else 0x1fff) else [load]
    if where & (1 if v6 else 0x2000):
        return None
    if v6:
        return frame[:18] + struct.pack(">HB", len(begun[0]), frame[54]) + frame[21:54] + begun[0]
    return frame[:16] + struct.pack(">HHH", 20 + len(begun[0]), 0, 0) + frame[22:34] + begun[0]


def read(path, net):
    with open(path, "rb") as f:
        data = f.read()
    at, packets, begun = 24, [], []
    while at < len(data):
        size = struct.unpack("<I", data[at + 8:at + 12])[0]
        frame = joined(data[at + 16:at + 16 + size], begun)
        if frame:
            packets.append(Packet(frame, net))
        at += 16 + size
    return packets


def write(path, frames):
    """A tenth of a millisecond lies between two frames."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for i, frame in enumerate(frames):
            f.write(struct.pack("<IIII", 1000 + i // 10000, i % 10000 * 100, len(frame), len(frame)) + frame)


def moved(name, net):
    with open(os.path.join(HERE, "expected", name + ".txt"), encoding="ascii") as f:
        return re.sub(r"2001:db8:1:", f"2001:db8:{net:x}:", re.sub(r"\b10\.1\.0\.", f"10.{net}.0.", f.read()))


def main(out, *names):
    nets = dict(enumerate(names, 1))
    with open(os.path.join(out, "expected.txt"), "w", encoding="ascii") as f:
        f.writelines(moved(name, net) for net, name in nets.items())
    captures = [read(os.path.join(HERE, "captures", name + ".pcap"), net) for net, name in nets.items()]
    for variant, make in VARIANTS.items():
        write(os.path.join(out, variant + ".pcap"), (frame for packets in captures for frame in make(packets)))


main(*sys.argv[1:])
