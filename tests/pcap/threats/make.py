#!/usr/bin/python3
"""make.py DIR: writes for each threat of the reference's table captures that meet it, DIR/in/ID-WHAT.pcap (IPv6: in
DIR/in6), and DIR/table, a line each of "ID WHAT". "no-WHAT" is what looks like it and is none. The workload is
the server (B); of those in DIR/out, the client (A). DIR/SIDE-HOW.json are the messages to read them by (table.py)."""
import json
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "builtin"))
from make import mysql, postgresql  # noqa: E402
from table import FIXED, HOWS, NO_RESET, THREATS  # noqa: E402
from wire import ACK, FIN, PSH, SYN, Talk, sum16  # noqa: E402

URG, RST = 32, 4
CLIENT, SERVER = "02:00:00:00:00:01", "02:00:00:00:00:02"
BIG = {"v6": True}


class Shown(Talk):
    """A talk whose frames have times: `wait` seconds pass before the next one."""

    def __init__(self, *args, opened=True, **kinds):
        self.times, self.now, self.opened = [], 1000.0, opened
        super().__init__(*args, **kinds)

    def ip(self, back, content, size=0):
        super().ip(back, content, size)
        while len(self.times) < len(self.frames):
            self.times.append(self.now)
            self.now += 0.0001

    def tcp(self, back, flags, data=b"", seq=None, size=0, window=None, options=b""):
        if not self.opened and not data and flags in (SYN, SYN | ACK, ACK) and len(self.frames) < 3 and not options:
            return
        ports = (self.dport, self.sport) if back else (self.sport, self.dport)
        at = self.seq[back] if seq is None else seq
        ack = self.seq[not back] if flags & ACK else 0
        window = 65535 if window is None else window
        head = struct.pack("!HHIIBBHHH", *ports, at, ack, (5 + len(options) // 4) << 4, flags, window, 0, 0) + options
        self.ip(back, self.with_sum(back, 16, head + data), size)
        if seq is None:
            self.seq[back] += len(data) + (1 if flags & (SYN | FIN) else 0)

    def icmp(self, back, kind, ident, seq, data, size=0):
        if self.v6:
            kind = {8: 128, 0: 129}[kind]
        content = struct.pack("!BBHHH", kind, 0, 0, ident, seq) + data
        if self.v6:
            content = self.with_sum(back, 2, content)
        else:
            content = content[:2] + struct.pack("!H", sum16(content)) + content[4:]
        self.ip(back, content, size)

    def udp(self, back, data):
        ports = (self.dport, self.sport) if back else (self.sport, self.dport)
        self.ip(back, self.with_sum(back, 6, struct.pack("!HHHH", *ports, 8 + len(data), 0) + data))

    def raw(self, frame):
        self.frames.append(frame)
        self.times.append(self.now)

    def wait(self, seconds):
        self.now += seconds
        return self

    def both(self, *said):
        """(back, bytes)..."""
        for back, data in said:
            (self.answer if back else self.say)(data)
        return self


def tcp(*said, port=80, **kinds):
    return Shown(1, dport=port, **kinds).both(*said)


def udp(*said, port=53, **kinds):
    t = Shown(1, dport=port, proto=17, **kinds)
    for back, data in said:
        t.udp(back, data)
    return t


def icmp(**kinds):
    return Shown(1, proto=58 if kinds.get("v6") else 1, **kinds)


def closed(**kinds):
    """Nothing said yet, not even a handshake."""
    return Shown(1, opened=False, **kinds)


def joined(talks):
    frames = sorted((when, i, j, frame) for i, t in enumerate(talks) for j, (when, frame) in enumerate(zip(t.times, t.frames)))
    return [(when, frame) for when, _, _, frame in frames]


def later(talk, seconds):
    talk.times = [when + seconds for when in talk.times]
    return talk


# --- floods ------------------------------------------------------------------------------------------

def syns(n, per_second, **kinds):
    t = closed(**kinds)
    for i in range(n):
        t.sport = 1024 + i
        t.tcp(0, SYN, options=b"\1\1\1\0")
        t.now = 1000 + i / per_second
    return t


def pings(n, **kinds):
    t = icmp(**kinds)
    for i in range(n):
        t.icmp(0, 8, 7, i, b"x" * 32)
        t.now = 1000 + i / (2 * n)
    return t


# --- packets -----------------------------------------------------------------------------------------

def flags(which, **kinds):
    t = closed(**kinds)
    t.tcp(0, which, b"x" if which == ACK else b"")
    return t


def overlapping(**kinds):
    t = udp(port=5000, **kinds)
    t.udp(0, b"")
    t.frames, t.times = [], []
    segment = t.with_sum(0, 6, struct.pack("!HHHH", t.sport, 5000, 8 + 40, 0) + b"x" * 40)
    t.ip(0, segment, 16)
    second = bytearray(t.frames[1])
    # eight bytes before its place
    if t.v6:
        at = struct.unpack("!H", second[56:58])[0]
        second[56:58] = struct.pack("!H", at - 8)
    else:
        second[20:22] = struct.pack("!H", struct.unpack("!H", second[20:22])[0] - 1)
        second[24:26] = b"\0\0"
        second[24:26] = struct.pack("!H", sum16(bytes(second[14:34])))
    t.frames[1] = bytes(second)
    return t


def syn(data=b"", options=b"\1\1\1\0", **kinds):
    t = closed(**kinds)
    t.tcp(0, SYN, data, options=options)
    return t


def split(**kinds):
    t = syn(**kinds)
    t.tcp(1, SYN, options=b"\1\1\1\0")
    return t


def silent(n):
    talks = [Shown(i) for i in range(n)]
    return joined(talks + [later(udp((0, b"x"), port=5000), 31), later(udp((0, b"x"), port=5001), 32)])


def ping_of(size, **kinds):
    t = icmp(**kinds)
    t.icmp(0, 8, 7, 1, b"x" * size, 1480)
    return t


def tunnel(n, **kinds):
    t = icmp(**kinds)
    for i in range(4):
        t.icmp(0, 8, 7, i, b"ask%d" % i)
        t.icmp(1, 0, 7, i, (b"say%d" if i < n else b"ask%d") % i)
    return t


def narrow(seconds, **kinds):
    t = tcp((0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 900), **kinds)
    t.tcp(0, ACK, window=1)
    for _ in range(seconds):
        t.wait(1).tcp(0, ACK, window=1)
    return t


# --- what is spoken ----------------------------------------------------------------------------------

def dns(name, kind, rest=b"", flags=0x0100, counts=(1, 0, 0, 0)):
    return struct.pack("!HH4H", 7, flags, *counts) + name + struct.pack("!HH", kind, 1) + rest


def framed(message):
    return struct.pack("!H", len(message)) + message


def named(text):
    return b"".join(bytes([len(w)]) + w.encode() for w in text.split(".")) + b"\0"


def pointers(n):
    """A name of so many pointers, each to the one behind."""
    first = 12 + 4 + 2
    chain = b"".join(struct.pack("!H", 0xc000 | first + 2 * i + 2) for i in range(n - 1)) + b"\1a\0"
    return struct.pack("!HH4H", 7, 0x0100, 1, 0, 0, 0) + struct.pack("!H", 0xc000 | first) + struct.pack("!HH", 1, 1) + chain


def record(kind, version, data):
    return struct.pack("!BHH", kind, version, len(data)) + data


def hello(version, kind=1):
    body = struct.pack("!H", version) + b"r" * 32 + b"\0"
    body += struct.pack("!H", 2) + b"\0\x2f" + b"\1\0" if kind == 1 else b"\0\x2f\0"
    return record(22, min(version, 0x0301), bytes([kind]) + struct.pack("!I", len(body))[1:] + body)


def tls(version):
    return [(0, hello(version)), (1, hello(version, 2))]


def ssl2(ciphers, said):
    body = b"\1\0\2" + struct.pack("!HHH", said, 0, 16) + ciphers + b"c" * 16
    return struct.pack("!H", 0x8000 | len(body)) + body


def heartbeat(said, sent=b""):
    return record(24, 0x0302, b"\1" + struct.pack("!H", said) + sent)


def http(*lines, method=b"POST", body=b""):
    return method + b" / HTTP/1.1\r\nHost: a\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def mysql_refused(code):
    said = mysql(b"x")[:2]
    error = b"\xff" + struct.pack("<H", code) + b"#28000Access denied"
    return said + [(1, struct.pack("<I", len(error))[:3] + b"\2" + error)]


def pg_refused():
    error = b"SFATAL\0VFATAL\0C28P01\0Mno\0\0"
    return postgresql(b"x")[:1] + [(1, b"E" + struct.pack("!I", len(error) + 4) + error)]


XML = b"<map><entry><jdk.nashorn.internal.objects.NativeString></jdk.nashorn.internal.objects.NativeString></entry></map>"
SQL = {"or": b"SELECT a FROM t WHERE a = '' or 'a'='a'", "sleep": b"SELECT a FROM t WHERE a = '1' and SLEEP(5)",
       "benchmark": b"SELECT a FROM t WHERE a = '1' and benchmark(5000000,md5(1))",
       "waitfor": b"SELECT a FROM t WHERE a = '1'; waitfor delay '0:0:5'--", "union": b"SELECT a FROM t WHERE a = '1' union select b from u -- '",
       "exec": b"SELECT a FROM t WHERE a = '1'; exec master..xp_cmdshell 'dir' --", "or-1": b"SELECT a FROM t WHERE a = '' or 1 -- '",
       "dump": b"SELECT a FROM t WHERE a = '1' or 1=1 -- '"}


def tds_query(text):
    """Login and a query of SQL Server, which are in UTF-16."""
    def packet(kind, data):
        return struct.pack("!BBHHBB", kind, 1, 8 + len(data), 0, 1, 0) + data
    pre = b"\0\0\x06\0\6\xff" + b"\x0f\0\7\xd0\0\0"
    login = b"\0\0\0\0" + struct.pack("<I", 0x74000004) + bytes(28) + struct.pack("<HH", 94, 0) * 9 + bytes(22)
    login = struct.pack("<I", len(login)) + login[4:]
    head = struct.pack("<IIHQI", 22, 18, 2, 0, 1)
    return [(0, packet(18, pre)), (1, packet(4, pre)), (0, packet(16, login)),
            (1, packet(4, b"\xfd\0\0\0\0" + bytes(8))), (0, packet(1, head + text.decode().encode("utf-16-le")))]


def captures():
    for name, more in ("", {}), ("-v6", BIG):
        yield 1001, "syns" + name, syns(1000, 900, **more)
        yield 1001, "no-syns" + name, syns(780, 700, **more)
        yield 1002, "pings" + name, pings(150, **more)
        yield 1003, "sessions" + name, syns(2100, 150, **more)
        for flag, what in ((0, "none"), (URG, "urg"), (FIN, "fin"), (PSH, "psh"), (PSH | FIN, "psh-fin"), (PSH | URG, "psh-urg"),
                           (SYN | FIN, "syn-fin"), (PSH | URG | FIN, "xmas"), (PSH | URG | FIN | ACK | SYN, "all"),
                           (PSH | URG | FIN | ACK | SYN | RST, "all-rst")):
            yield 2001, f"flags-{what}{name}", flags(flag, **more)
        yield 2002, "overlap" + name, overlapping(**more)
        yield 2003, "data" + name, syn(b"GET /", **more)
        yield 2004, "split" + name, split(**more)
        yield 2006, "ping" + name, ping_of(32500, **more)
        yield 2006, "no-ping" + name, ping_of(31900, **more)
        for n, what in (1, "loop"), (80, "long"):
            message = pointers(n) if n > 1 else dns(b"\xc0\x0c", 1)
            yield 2007, what + name, udp((0, message), **more)
            yield 2007, f"{what}-tcp{name}", tcp((0, framed(message)), port=53, **more)
        yield 2008, "server" + name, tcp((1, b"SSH-1.5-1.2.27\n"), (0, b"SSH-1.5-1.2.27\n"), port=22, **more)
        yield 2008, "no-1.99" + name, tcp((1, b"SSH-1.99-a\r\n"), (0, b"SSH-2.0-b\r\n"), port=22, **more)
        yield 2009, "beat" + name, tcp(*tls(0x0302), (0, heartbeat(0x4000)), port=443, **more)
        yield 2009, "beat-padded" + name, tcp(*tls(0x0303), (0, heartbeat(0x4000, b"x" * 100)), port=443, **more)
        yield 2009, "no-beat" + name, tcp(*tls(0x0302), (0, heartbeat(16, b"x" * 32)), port=443, **more)
        yield 2010, "ciphers" + name, tcp((0, ssl2(b"\1\0\x80", 300)), port=443, **more)
        yield 2011, "ssl2" + name, tcp((0, ssl2(b"\1\0\x80", 3)), port=443, **more)
        yield 2011, "ssl3" + name, tcp(*tls(0x0300), port=443, **more)
        yield 2012, "tls10" + name, tcp(*tls(0x0301), port=443, **more)
        yield 2027, "tls11" + name, tcp(*tls(0x0302), port=443, **more)
        yield 2013, "length" + name, tcp((0, http(b"Content-Length: -1")), **more)
        yield 2013, "chunk" + name, tcp((0, http(b"Transfer-Encoding: chunked", body=b"80000000\r\nabc")), **more)
        yield 2013, "answer" + name, tcp((0, http(method=b"GET")), (1, b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"), **more)
        yield 2014, "lengths" + name, tcp((0, http(b"Content-Length: 5", b"Content-Length: 6", body=b"abcdef")), **more)
        yield 2014, "answer" + name, tcp((0, http(method=b"GET")),
                                         (1, b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), **more)
        yield 2014, "no-lengths" + name, tcp((0, http(b"Content-Length: 5", b"Content-Length: 5", body=b"abcde")), **more)
        for seconds, what, said in (3.1, "head", b"GET / HTTP/1.1\r\nHost: a\r\n"), (30.1, "body", http(b"Content-Length: 5")):
            t = tcp((0, said), **more).wait(seconds)
            yield 2015, what + name, joined([t, later(udp((0, b"x"), port=5000), seconds)])
        yield 2016, "window" + name, narrow(9, **more)
        yield 2016, "no-window" + name, narrow(7, **more)
        long_answer = dns(named("a.example"), 16, b"x" * 2100, flags=0x8180)
        yield 2017, "answer" + name, udp((0, dns(named("a.example"), 16)), (1, long_answer), **more)
        yield 2017, "tcp" + name, tcp((0, framed(dns(named("a.example"), 16))), (1, framed(long_answer)), port=53, **more)
        for code in 1044, 1045:
            yield 2018, f"mysql-{code}{name}", tcp(*mysql_refused(code), port=3306, **more)
        yield 2018, "no-mysql" + name, tcp(*mysql_refused(1040), port=3306, **more)
        yield 2018, "postgresql" + name, tcp(*pg_refused(), port=5432, **more)
        for kind, what in (252, "axfr"), (251, "ixfr"):
            yield 2019, f"{what}-tcp{name}", tcp((0, framed(dns(named("example"), kind))), port=53, **more)
            yield 2019, f"{what}{name}", udp((0, dns(named("example"), kind)), **more)
        yield 2020, "tunnel" + name, tunnel(3, **more)
        yield 2020, "no-tunnel" + name, tunnel(2, **more)
        yield 2021, "null" + name, udp((0, dns(named("a.example"), 10)), **more)
        yield 2025, "mss" + name, syn(options=b"\2\4" + struct.pack("!H", 255), **more)
        yield 2025, "no-mss" + name, syn(options=b"\2\4" + struct.pack("!H", 256), **more)
        for what, query in SQL.items():
            yield 2022, f"mysql-{what}{name}", tcp(*mysql(query), port=3306, **more)
            yield 2022, f"postgresql-{what}{name}", tcp(*postgresql(query), port=5432, **more)
            yield 2022, f"tds-{what}{name}", tcp(*tds_query(query), port=1433, **more)
        yield 2023, "xml" + name, tcp((0, http(b"Content-Type: application/xml", b"Content-Length: %d" % len(XML), body=XML)), **more)
    yield 2026, "external", tcp((0, http(method=b"GET")))  # of IPv4: the table's addresses are
    yield 2005, "silent", silent(11)
    yield 2005, "no-silent", silent(8)


def write(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for when, frame in frames:
            us = int(when * 1e6)
            f.write(struct.pack("<IIII", us // 1000000, us % 1000000, len(frame), len(frame)) + frame)


def messages(mac, how):
    set_to = {t: {"enabled": True} for t in THREATS} if how != "default" else {}
    for t, one in set_to.items():
        if how in ("allow", "reset") and t not in FIXED | (NO_RESET if how == "reset" else set()):
            one["action"] = how
    return [{"weir_settings": {"threats": set_to}},
            {"ctrl_add_mac": {"mac": mac, "ucmac": "4e:65:75:56:00:01"}}, {"ctrl_cfg_mac": {"macs": [mac], "tap": False}},
            {"ctrl_cfg_internal_net": {"flag": 3, "subnet_addr": [{"ip": "10.0.0.0", "mask": "255.255.255.0"}]}},
            {"ctrl_cfg_specip_net": {"flag": 3, "subnet_addr": [{"ip": "10.0.255.2", "mask": "255.255.255.255", "iptype": "extip"}]}},
            {"ctrl_cfg_policy": {"cmd": 1, "flag": 3, "defact": 6, "dir": 3, "ipv6": True, "mac": [mac], "rules": []}}]


if __name__ == "__main__":
    to = sys.argv[1]
    for side, mac in ("in", SERVER), ("in6", SERVER), ("out", CLIENT):
        os.mkdir(f"{to}/{side}")
        for how in HOWS:
            with open(f"{to}/{side}-{how}.json", "w") as f:
                json.dump(messages(mac, how), f)
    with open(f"{to}/table", "w") as table:
        for threat, what, made in captures():
            side = "out" if threat == 2026 else "in6" if what.endswith("-v6") else "in"
            write(f"{to}/{side}/{threat}-{what}.pcap", joined([made]) if isinstance(made, Talk) else made)
            print(threat, what, file=table)
