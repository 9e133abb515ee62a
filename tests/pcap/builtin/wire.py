"""Conversations as frames of a capture, in the shapes in which an attack may be hidden. Only what
Python has: some ten thousand frames are written in a second."""
import random
import struct

A, B = b"\x02\0\0\0\0\1", b"\x02\0\0\0\0\2"
FIN, SYN, PSH, ACK = 1, 2, 8, 16
MSS = 1448


def sum16(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Talk:
    """A connection from client `number` (0..65535) to a server's port 80; frames in .frames."""

    def __init__(self, number, v6=False, proto=6, dport=80):
        self.v6, self.dport, self.proto = v6, dport, proto
        self.sport = 1024 + number % 50000
        self.net = number // 50000
        self.frames, self.seq, self.ident = [], [100, 500], 1
        if proto == 6:
            self.tcp(0, SYN)
            self.tcp(1, SYN | ACK)
            self.tcp(0, ACK)

    def name(self):
        ends = ("2001:db8::{}".format(self.net + 1), "2001:db8::ffff") if self.v6 else (
            "10.0.{}.1".format(self.net), "10.0.255.2")
        return "{}:{} > {}:{}".format(ends[0], self.sport, ends[1], self.dport)

    def ends(self, back):
        if self.v6:
            a = bytes.fromhex("20010db8") + bytes(11) + bytes([self.net + 1])
            b = bytes.fromhex("20010db8") + bytes(10) + b"\xff\xff"
        else:
            a, b = bytes([10, 0, self.net, 1]), bytes([10, 0, 255, 2])
        return (b, a) if back else (a, b)

    def ip(self, back, content, size=0):
        """The packet; size: in fragments of so many bytes."""
        src, dst = self.ends(back)
        self.ident += 1
        pieces = [content] if not size else [content[i:i + size] for i in range(0, len(content), size)]
        frames = []
        for i, piece in enumerate(pieces):
            more, off = i + 1 < len(pieces), i * size
            if self.v6:
                ext = b"" if len(pieces) == 1 else struct.pack("!BBHI", self.proto, 0, off | more, self.ident)
                head = struct.pack("!IHBB", 6 << 28, len(ext) + len(piece), 44 if ext else self.proto, 64) + src + dst + ext
            else:
                head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(piece), self.ident, (more << 13) | off >> 3, 64,
                                   self.proto, 0) + src + dst
                head = head[:10] + struct.pack("!H", sum16(head)) + head[12:]
            macs = A + B if back else B + A
            frames.append(macs + (b"\x86\xdd" if self.v6 else b"\x08\0") + head + piece)
        self.frames += frames

    def with_sum(self, back, at, segment):
        src, dst = self.ends(back)
        pseudo = src + dst + (struct.pack("!IHBB", len(segment), 0, 0, self.proto) if self.v6 else
                              struct.pack("!BBH", 0, self.proto, len(segment)))
        return segment[:at] + struct.pack("!H", sum16(pseudo + segment)) + segment[at + 2:]

    def tcp(self, back, flags, data=b"", seq=None, size=0):
        ports = (self.dport, self.sport) if back else (self.sport, self.dport)
        at = self.seq[back] if seq is None else seq
        ack = self.seq[not back] if flags & ACK else 0
        segment = struct.pack("!HHIIBBHHH", *ports, at, ack, 0x50, flags, 65535, 0, 0) + data
        self.ip(back, self.with_sum(back, 16, segment), size)
        if seq is None:
            self.seq[back] += len(data) + (1 if flags & (SYN | FIN) else 0)

    def say(self, data, how="plain"):
        """The client's bytes, which the server acknowledges."""
        if self.proto == 17:
            self.ip(0, self.with_sum(0, 6, struct.pack("!HHHH", self.sport, self.dport, 8 + len(data), 0) + data))
            return
        if how == "tiny":
            for i in range(len(data)):
                self.tcp(0, PSH | ACK, data[i:i + 1])
        elif how == "fragments":
            for i in range(0, len(data), MSS):
                self.tcp(0, PSH | ACK, data[i:i + MSS], size=48)
        elif how == "overlap":
            self.overlap(data)
        else:
            for i in range(0, len(data), MSS):
                self.tcp(0, PSH | ACK, data[i:i + MSS])
        self.tcp(1, ACK)

    def overlap(self, data, size=7):
        """Two segments in the wrong order, then both again in one, from some bytes before."""
        begin = self.seq[0]
        for i in range(0, len(data), 2 * size):
            middle, end = min(i + size, len(data)), min(i + 2 * size, len(data))
            self.tcp(0, ACK, data[middle:end], seq=begin + middle)
            self.tcp(0, ACK, data[i:middle], seq=begin + i)
            before = max(0, i - 3)
            self.tcp(0, ACK, data[before:end], seq=begin + before)
        self.seq[0] = begin + len(data)

    def twice(self, one, other, way):
        """Two of one length at the same place, before either is acknowledged; held: before what goes ahead."""
        begin, middle = self.seq[0], len(one) // 2
        if way == "held":
            self.tcp(0, ACK, one[middle:], seq=begin + middle)
            self.tcp(0, ACK, other[middle:], seq=begin + middle)
            self.tcp(0, ACK, one[:middle], seq=begin)
        else:
            self.tcp(0, ACK, one, seq=begin)
            self.tcp(0, ACK, other, seq=begin)
        self.seq[0] = begin + len(one)
        self.tcp(1, ACK)

    def answer(self, data):
        for i in range(0, len(data), MSS):
            self.tcp(1, PSH | ACK, data[i:i + MSS])
        self.tcp(0, ACK)

    def close(self):
        if self.proto == 6:
            self.tcp(0, FIN | ACK)
            self.tcp(1, FIN | ACK)
            self.tcp(0, ACK)


def write(path, talks):
    """A capture of these conversations, one after another."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        n = 0
        for talk in talks:
            for frame in talk.frames:
                f.write(struct.pack("<IIII", 1000 + n // 1000000, n % 1000000, len(frame), len(frame)) + frame)
                n += 1


# --- how what is sent is written -------------------------------------------------------------------

def percent(data, times, all_of_it=False):
    """Percent signs for what is special, or for every byte."""
    plain = b"" if all_of_it else b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
    for _ in range(times):
        data = b"".join(bytes([c]) if c in plain else b"%%%02X" % c for c in data)
    return data


def mixed(data, seed=1):
    """Every letter in either case."""
    r = random.Random(seed)
    return bytes(c ^ 0x20 if (65 <= c & 0xdf <= 90) and r.random() < 0.5 else c for c in data)


def chunked(body, size=5):
    out = b"".join(b"%x;a=b\r\n%s\r\n" % (len(body[i:i + size]), body[i:i + size]) for i in range(0, len(body), size))
    return out + b"0\r\n\r\n"
